"""The demo shop "Toko Laris": its products as data, its drawn pictures, and the loader that posts them."""
