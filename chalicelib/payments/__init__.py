"""Payments: the money of orders, as the gateways and the bank tell it.

Owns the tries to pay (*attempts*), the *facts* about them, which are only ever added, the *ledger* that is their fold,
the refunds that were *granted*, and what partners post to us. Words: *standing* (an order's money, folded), *flag*
(something about money that does not fit and that somebody has to look at), *unique code* (the rupiah on top of a manual
transfer that tell whose it is), *mutation* (a line of the bank's statement). Says payment.started, .authorized,
.challenged, .captured, .failed, .reversed, .refunded, .flagged and refund.granted; listens to order.expired and
order.cancelled.
"""
