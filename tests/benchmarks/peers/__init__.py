"""gendsl against programs written by hand, from data to summary."""
