"""Which tests concern a file; each file of harmony/ that is mutated."""

TARGETS = {
    "prompts.py": ["test_prompts.py", "test_complete_typescript.py"],
    "typescript.py": ["test_typescript.py"],
    "complete_typescript.py": ["test_complete_typescript.py"],
    "schema_merging.py": ["test_schema_merging.py", "test_complete_typescript.py"],
    "parser.py": [
        "test_parser.py",
        "test_recover.py",
        "_native/test_straight_parser.py",
    ],
    "rendering.py": [
        "test_rendering.py",
        "_native/test_straight_rendering.py",
        "test_messages.py",
        "test_differential.py",
        "test_training.py",
        "test_many.py",
        "test_chat.py",
    ],
    "repairs.py": ["test_recover.py"],
    "special.py": ["test_special.py", "test_tokenizer.py"],
}
