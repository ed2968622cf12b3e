"""How many examples hypothesis tries: a few by default, many with a profile.

``pytest --hypothesis-profile=many`` tries five times as many. No example has a time
limit, for the machine may be busy with other things.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

USUAL = 20

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("usual", PATIENT, max_examples=USUAL)
settings.register_profile("many", PATIENT, max_examples=5 * USUAL)


def times(factor: int) -> settings:
    """Return settings for a test that tries more than others."""
    usual: Any = settings.default
    return settings(max_examples=factor * usual.max_examples)
