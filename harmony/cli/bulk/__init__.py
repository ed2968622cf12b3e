"""``harmony render --jsonl``: many conversations, over processes."""
