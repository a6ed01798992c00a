"""How Laris is set up: in the cloud, and whole on one machine."""
