"""What the options of a job may be. Apart, for the command: a job is slow to import."""

FORMATS = ("chat", "harmony")
"""What rows are: chats as OpenAI and Hugging Face have them, or harmony's JSON."""

PURPOSES = ("completion", "training", "conversation")
"""What tokens can be for; each is a ``render_conversation…`` of the encoding."""

HEADERS = ("template", "model")
"""Whose headers messages get: those of openai-harmony's prompts, or the model's own."""
