"""Laris: the sales system of an online seller. Each package is a department of the shop; see README for the map."""
