"""`make bench`: what Laris costs in import time, CPU, calls, capacity and money. Measures; asserts nothing."""
