"""How customers are stored: everything of one stands under their id, so that one query reads it; ``profiles`` has who
they are and whose an e-mail address is."""
