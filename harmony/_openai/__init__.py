"""OpenAI's JSON and conversations: what ``harmony.chat`` and ``responses`` share."""
