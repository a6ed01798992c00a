"""Shared by every department; knows no feature and no business word."""
