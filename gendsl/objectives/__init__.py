"""Losses, over `ops`."""
