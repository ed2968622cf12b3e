"""The test suites of programs that import openai_harmony, on both implementations."""
