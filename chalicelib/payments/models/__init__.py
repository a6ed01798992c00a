"""How payments are stored: ``books`` (an order's money), ``messages`` (what partners posted) and ``claims`` (a unique
code, a line of the bank's statement)."""
