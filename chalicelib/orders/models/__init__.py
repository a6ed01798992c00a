"""How orders are stored: ``orders`` (one item each, and the lists that find them), ``refunds`` asked for by staff."""
