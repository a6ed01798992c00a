"""How the catalogue is stored: ``products`` (with their SKUs and slugs), ``categories``, and ``listings`` (the rows
that make products findable)."""
