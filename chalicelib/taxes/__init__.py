"""Taxes: what rate holds on which day, and how a price splits into net and tax.

Owns the dated table of PPN (domain.md 5.8; PMK 131/2024). Words: *gross* holds the tax, *net* does not; the *base
fraction* is DPP nilai lain, the part of the price that is taxed; the *tax point* is the day whose rate counts.
Says no events and listens to none.
"""
