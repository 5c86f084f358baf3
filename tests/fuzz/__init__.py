"""The long run of the law of the compiler over random models: `python -m tests.fuzz` (see __main__.py)."""
