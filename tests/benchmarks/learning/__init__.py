"""Steps of training and calls of samplers, against what a person writes by hand, and against other libraries."""
