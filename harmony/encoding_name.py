"""``HarmonyEncodingName``: the encodings there are."""

from __future__ import annotations

from enum import Enum


class HarmonyEncodingName(str, Enum):
    """The encodings there are."""

    HARMONY_GPT_OSS = "HarmonyGptOss"

    def __str__(self) -> str:
        """Return the name itself."""
        return self.value
