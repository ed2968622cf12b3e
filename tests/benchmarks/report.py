"""docs/performance.md from the results of a run::

    python -m tests.benchmarks.report build/benchmarks.json

What stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` is written
anew, the rest is left as it is. The charts and the results go to docs/performance/.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from .charts import draw, draw_front
from .machine import ROOT
from .tables import figures, ratios, replace, rows, sentences, verdicts
from .targets import judge

PAGE = ROOT / "docs/performance.md"


def circumstances(results: dict[str, Any]) -> str:
    """Return on what, when and with which versions it was measured."""
    machine = results["machine"]
    lines = [
        ["what", "which"],
        ["processor", f"{machine['processor']}, {machine['cores']} cores"],
        ["system", f"{machine['system']}, Python {machine['python']}"],
        ["date", results["date"]],
        ["commit", results["commit"]],
        ["rounds", f"{results['rounds']}{' (quick run)' if results['quick'] else ''}"],
        *([name, version] for name, version in results["versions"].items()),
        *([name, reason] for name, reason in results["absent"].items()),
    ]
    return rows(lines).replace("---:", "---")


def section(table: dict[str, Any], folder: Path) -> str:
    """Return a table, its ratios and its chart."""
    chart = draw(table, folder)
    parts = [f"### {table['title']}", figures(table)]
    if chart is not None:
        parts.insert(1, f"![{table['title']}](performance/{chart.name})")
    if len(ratios(table).splitlines()) > 3:
        parts.append(ratios(table))
    return "\n\n".join(parts)


def main(path: str) -> None:
    """Write the page, the charts and the results."""
    results = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    page = PAGE.read_text(encoding="utf-8")
    picture = "![Times as fast as openai-harmony](performance/front-light.svg)"
    said = sentences(results["tables"])
    page = replace(page, "summary", f"{picture}\n\n{said}")
    page = replace(page, "circumstances", circumstances(results))
    page = replace(page, "targets", verdicts(judge(results["tables"])))
    draw_front(results["tables"], folder)
    parts = [section(table, folder) for table in results["tables"]]
    page = replace(page, "tables", "\n\n".join(parts))
    PAGE.write_text(page, encoding="utf-8")
    kept = folder / "results.json"
    if not (kept.exists() and kept.samefile(path)):
        shutil.copy(path, kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
