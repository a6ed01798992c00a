"""Carts: what a buyer means to order, until it becomes an order.

Owns open and closed baskets of guests. Words: *line* (a SKU and how many), *seen price* (what the buyer was last
shown for it), *totals* (what it costs today). A cart's id is a capability: who knows it may use it. Says no events and
listens to none; carts nobody touches for 30 days go by themselves.
"""
