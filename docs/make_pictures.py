"""Draw what ``harmony show`` prints of a broken reply, for README.md and the site.

    python docs/make_pictures.py [--check]

It runs the command as on a terminal and writes docs/_static/show-light.svg and
show-dark.svg with the library rich. With ``--check`` nothing is written: status 1 says
that what is printed is no longer what the pictures show.
"""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, DIMMED_MONOKAI
from rich.text import Text

FOLDER = Path(__file__).parent / "_static"
THEMES = {"light": DEFAULT_TERMINAL_THEME, "dark": DIMMED_MONOKAI}
WIDTH = 84
REPLY = Path(__file__).parent.parent / "test-data" / "broken_reply.txt"


def printed() -> str:
    """Return what the command prints on a terminal, with its colours."""
    environment = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    result = subprocess.run(
        [sys.executable, "-m", "harmony", "show", REPLY],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment, "COLORTERM": "truecolor"},
        check=True,
    )
    return result.stdout.decode()


def drawing(text: str, theme: str) -> str:
    """Return text with colours as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(text))
    svg = console.export_svg(
        title="harmony show", theme=THEMES[theme], unique_id=f"show-{theme}"
    )
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)  # of a web server


def words(svg: str) -> list[str]:
    """Return what can be read in a picture: how it is drawn changes with rich."""
    shown = re.findall(r"<text [^>]*>(.*?)</text>", svg, re.S)
    return "".join(map(html.unescape, shown)).split()


def main() -> int:
    """Write the pictures, or compare them; return the status."""
    text = printed()
    for theme in THEMES:
        path, svg = FOLDER / f"show-{theme}.svg", drawing(text, theme)
        if sys.argv[1:] != ["--check"]:
            path.write_text(svg, encoding="utf-8", newline="\n")
        elif words(path.read_text(encoding="utf-8")) != words(svg):
            print(f"{path} shows something else: python {__file__}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
