"""How payments are stored: ``books`` (an order's money; ``attempts`` to pay among its ``entries``), ``messages`` (what
partners posted) and ``claims`` (a unique code, a line of the bank's statement)."""
