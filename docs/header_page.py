"""A C header as a page: its comments as text, its declarations as code.

The header is read as it is written here: what belongs together has no blank line in
it, a comment stands before what it is about, and ``/* ---- Title --- */`` begins a
section.
"""

import re
from collections.abc import Iterator

SECTION = re.compile(r"/\* -+ (.+?) -+ \*/")
FRAME = re.compile(
    r"^#(?!define HARMONY_\w+ )\w+.*\n|^#define HARMONY_API.*\n|^extern .*\n|^}\n",
    re.MULTILINE,
)
CHUNK = re.compile(r"(?P<comment>/\*.*?\*/)?\s*(?P<code>.*)", re.DOTALL)
NAME = re.compile(
    r"(\w+)\(\s|(\w+)\(|^typedef (?:struct|enum) (\w+)|^#define (\w+)", re.M
)
WORD = re.compile(r"`[^`]+`|<\|\w+\|>|\b(?:harmony|HARMONY)_\w+|\*\w+\b|\w+\[\w*\]")


def header_page(header: str) -> str:
    """Return the Markdown page of a header: sections, and in them what is declared."""
    declarations = FRAME.sub("", header)
    return "\n\n".join(part for chunk in chunks(declarations) for part in shown(chunk))


def chunks(header: str) -> Iterator[str]:
    """Give what stands between blank lines, comments that have some being whole."""
    chunk = ""
    for line in header.splitlines():
        if line or unfinished(chunk):
            chunk += line + "\n"
        elif chunk:
            yield chunk
            chunk = ""
    yield chunk


def unfinished(chunk: str) -> bool:
    """Tell whether a chunk ends inside a comment or inside braces."""
    code = re.sub(r"/\*.*?\*/", "", chunk, flags=re.DOTALL)
    return "/*" in code or code.count("{") > code.count("}")


def shown(chunk: str) -> Iterator[str]:
    """Give the parts of the page that one chunk of the header makes."""
    if section := SECTION.fullmatch(chunk.strip()):
        yield f"## {section[1]}"
        return
    match = CHUNK.fullmatch(chunk.strip())
    assert match
    code = match["code"].replace("HARMONY_API ", "")
    if name := NAME.search(code):
        yield "### " + next(group for group in name.groups() if group)
    if match["comment"]:
        yield prose(match["comment"])
    if code:
        yield f"```c\n{code}\n```"


def prose(comment: str) -> str:
    """Return the text of a comment as Markdown."""
    text = re.sub(r"^/\*+ ?|\s*\*/$", "", comment)
    lines = [re.sub(r"^ \* ?", "", line) for line in text.splitlines()]
    return "\n".join(
        line if line.startswith("    ") else marked(line) for line in lines
    )


def marked(line: str) -> str:
    """Return a line with its names as code, and nothing else that Markdown reads."""
    parts, end = [], 0
    for word in WORD.finditer(line):
        parts += [escaped(line[end : word.start()]), f"`{word[0].strip('`')}`"]
        end = word.end()
    return "".join([*parts, escaped(line[end:])])


def escaped(text: str) -> str:
    """Return text without meaning for Markdown, but for a list's dash."""
    return re.sub(r"([\\*_<>\[\]|#$])", r"\\\1", text)
