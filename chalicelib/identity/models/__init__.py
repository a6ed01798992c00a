"""How identity is stored: ``accounts`` and their ``sessions`` under the account's id, ``keys`` each under its own."""
