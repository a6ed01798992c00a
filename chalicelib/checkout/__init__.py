"""Checkout: turns a basket into an order. The conductor: it owns no table and decides little of its own.

Words: *quote* (what shipping costs), *placed* (the order and its first payment). Says and listens to nothing itself;
the order desk, the warehouse and the till say what happened.
"""
