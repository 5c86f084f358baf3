"""What becomes of a fit: checks in words, pictures, one page, one file."""
