"""Which tests concern a file; each file of harmony/ that is mutated."""

TARGETS = {
    "prompts.py": ["test_prompts.py", "test_complete_typescript.py"],
    "typescript.py": ["test_typescript.py"],
    "parser.py": ["test_parser.py", "test_recover.py"],
    "repairs.py": ["test_recover.py"],
    "special.py": ["test_special.py", "test_tokenizer.py"],
}
