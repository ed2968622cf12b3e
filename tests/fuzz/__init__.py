"""Coverage-guided fuzzing of the Python half; see ``__main__``."""
