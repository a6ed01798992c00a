"""Shipping: what it costs to send a basket somewhere.

Owns the couriers' services and rates. For now rates are flat per zone and kilogram, kept here as data; live quotes of
couriers come with the shipping issue. Words: *option* (a courier's service to one address), *zone* (by province),
*chargeable weight* (whole kilograms, rounded up). Says no events and listens to none.
"""
