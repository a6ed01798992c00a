"""Customers: who buys, known by their e-mail's blind index and read only under a key of their own.

Owns the profile of every buyer. Words: *guest* (ordered without an account), *unverified* (has an account, has not
proven the address), *active* (has), *erased* (nothing personal is left), *claim* (the orders of a guest, taken over by
whoever proved the guest's address), *buyer* (whose an order is). Says customer.registered, customer.verified,
customer.erased, consent.given and consent.withdrawn; listens to nothing.
"""
