"""How notices are stored: ``notices`` themselves, ``blocks`` that keep them back, and the ``sendings`` made of them."""
