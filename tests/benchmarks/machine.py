"""On what, of which versions and when it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .driver import Bench
from .peers import IMPLEMENTATIONS

ROOT = Path(__file__).parents[2]


def processor() -> str:
    """Return the name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = (line for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.processor()).partition(":")[2].strip()


def commit() -> str:
    """Return the commit that was measured, marked if files were changed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def describe(bench: Bench) -> dict[str, Any]:
    """Return the circumstances of a run."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "quick": bench.quick,
        "rounds": bench.rounds,
        "versions": {
            name: "this commit" if not each.requirements else each.requirements[0]
            for name, each in IMPLEMENTATIONS.items()
        },
        "absent": bench.absent,
    }
