"""Inventory: what lies where, what of it is promised, and every movement that made it so.

Owns locations, one stock row per SKU and location, the movements (written with every change of a counter), and the
holds: one per owner, mostly an order. Words: *on hand* (physically there), *available* (may be promised), *reserved*
(held for an order that waits for its payment), *allocated* (promised to a confirmed order), *unavailable* (there but
not for sale: damaged, in quality control, safety stock), *incoming* (ordered, not there). Always: available + reserved
+ allocated + unavailable = on hand. Says stock.held, .allocated, .released, .deallocated, .received, .adjusted, and
listens to all but .allocated itself, to tell the catalogue what is available.
"""
