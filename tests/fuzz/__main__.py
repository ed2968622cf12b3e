"""Look for bytes that break a target of ``fuzz.targets``, guided by coverage.

    cd tests && python -m fuzz TARGET [option of libFuzzer …] [folder of inputs …]

It needs atheris, which has wheels for Linux. What is found goes to the first folder,
which is made; an input that breaks something is written where ``-artifact_prefix=``
says. What is worth keeping is in ``fuzz/corpus``; tests/test_fuzz.py runs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["harmony"]):
    from fuzz.targets import TARGETS

if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
    sys.exit(f"{__doc__}\nTargets: {', '.join(TARGETS)}")
for argument in sys.argv[2:]:
    if not argument.startswith("-"):
        Path(argument).mkdir(parents=True, exist_ok=True)
atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
atheris.Fuzz()
