"""Laris: the sales system of an online seller. Each package is a department of the shop; see README for the map."""

from typing import Final

VERSION: Final = "0.1.0"
"""The version of the API, as its description says it."""
