"""Decisions of the catalogue: ``products`` (what a good one is), ``categories`` (the tree), ``listings`` (the rows that
make a product findable)."""
