"""Orders: what was sold to whom, for how much, and how far it has come.

Owns the lifecycle (``states``), the order with its lines, totals and derived axes, its number, and the schedule that
expires what nobody paid for. Words: *covered* (the net money paid reaches what is payable), *late payment* (money for
an order that had ended), *case* (something a person has to look at), *limit* (how much one of the staff may give back).
Says order.placed, order.confirmed, order.expired, order.cancelled, order.held, order.released, order.case_opened,
order.refund_requested, order.refund_declined; listens to payment.*,
refund.granted, and to its own order.placed and order.confirmed for the letters about them.
"""
