"""Diffusion and flow matching, over `ops`: noise, times and networks are arguments."""
