"""Carts: what a buyer means to order, until it becomes an order.

Owns open and closed baskets of guests and customers. Words: *line* (a SKU and how many), *seen price* (what the buyer
was last shown for it), *totals* (what it costs today), *owner* (the customer whose cart it is), *merge* (a guest's cart
goes into the one of the customer who logged in). A guest's cart has an id that is a capability: who knows it may use
it; a customer's is theirs alone. Says no events and listens to none; carts nobody touches for 30 days go by themselves.
"""
