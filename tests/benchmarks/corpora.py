"""Texts of five kinds, from the standard library and the translations of two packages.

All of it is deterministic for one version of Python, and no text comes twice: a corpus
is pieces in an order drawn from a fixed seed, joined, and cut into documents.
"""

from __future__ import annotations

import ast
import gettext
import hashlib
import html.entities
import json
import platform
import random
import re
import sysconfig
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import environments

DOCUMENT = 20_000
"""Characters of a document."""

LANGUAGES = (
    *("ar", "bg", "de", "el", "es", "fa", "fr", "hi", "it", "ja"),
    *("ko", "nl", "pl", "pt_BR", "ru", "sv", "th", "tr", "uk", "zh_Hans"),
)

SKIPPED = {"test", "tests", "idle_test", "site-packages", "lib2to3", "encodings"}


def stdlib() -> list[Path]:
    """Return the source files of the standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(root.rglob("*.py"))
    return [f for f in files if not SKIPPED & set(f.relative_to(root).parts)]


def read(path: Path) -> str:
    """Return the text of a source file, "" for one that is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def docstrings(source: str) -> Iterator[str]:
    """Give the docstrings of a module's text."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds):
            text = ast.get_docstring(node)
            if text is not None and len(text) > 100:
                yield text


def english() -> list[str]:
    """Return docstrings, and the language reference that comes with pydoc."""
    pieces = [text for path in stdlib() for text in docstrings(read(path))]
    topics = next(path for path in stdlib() if path.name == "topics.py")
    for node in ast.walk(ast.parse(read(topics))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            pieces += node.value.split("\n\n\n")
    return pieces


def source() -> list[str]:
    """Return source files, in parts of a document's size at most."""
    pieces = []
    for path in stdlib():
        text = "" if path.name == "topics.py" else read(path)
        pieces += [text[i : i + DOCUMENT] for i in range(0, len(text), DOCUMENT)]
    return pieces


def catalog(folder: Path, language: str) -> list[str]:
    """Return the translated texts of one language."""
    texts: list[str] = []
    for path in sorted(folder.rglob(f"{language}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            messages = vars(gettext.GNUTranslations(file))["_catalog"]
        texts += [text for key, text in messages.items() if key]
    return sorted(set(texts))


def languages(folder: Path) -> list[str]:
    """Return translated texts in runs of one language, each about 500 characters."""
    pieces = []
    for language in LANGUAGES:
        texts = shuffled(catalog(folder, language), language)
        pieces += list(runs(texts, 500))
    return pieces


def runs(texts: Iterable[str], size: int) -> Iterator[str]:
    """Join texts by lines to runs of at least a size."""
    run: list[str] = []
    for text in texts:
        run.append(text)
        if sum(map(len, run)) >= size:
            yield "\n".join(run)
            run = []


def json_records(folder: Path) -> list[str]:
    """Return JSON as services send it: compact and indented, names, numbers, texts."""
    draw = random.Random("json")
    pieces = []
    for path in stdlib():
        tree = ast.parse(read(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                pieces.append(serialized(function_record(path, node), draw))
    german = catalog(folder, "de")
    for number, text in enumerate(german):
        record = {"id": number, "language": "de", "text": text, "approved": True}
        pieces.append(serialized(record, draw))
    for name, code in html.entities.name2codepoint.items():
        pieces.append(serialized({"entity": name, "codepoint": code}, draw))
    return pieces


def function_record(path: Path, node: ast.FunctionDef) -> dict[str, object]:
    """Describe a function, as an index of source code would."""
    arguments = [
        {"name": a.arg, "annotation": a.annotation and ast.unparse(a.annotation)}
        for a in node.args.args
    ]
    key = f"{path.name}:{node.lineno}:{node.name}"
    return {
        "id": hashlib.sha1(key.encode()).hexdigest()[:12],
        "name": node.name,
        "file": f"{path.parent.name}/{path.name}",
        "range": {"start": node.lineno, "end": node.end_lineno},
        "arguments": arguments,
        "decorators": [ast.unparse(each) for each in node.decorator_list],
        "summary": (ast.get_docstring(node) or "").partition("\n")[0] or None,
        "score": int(hashlib.sha1(key.encode()).hexdigest()[:6], 16) / 0xFFFFFF,
    }


def serialized(record: dict[str, object], draw: random.Random) -> str:
    """Return JSON of a record, every other one indented."""
    indent = draw.choice([None, 2])
    return json.dumps(record, indent=indent, ensure_ascii=False)


def emoji() -> list[str]:
    """Return the emoji of this Python's Unicode, some of them in longer sequences."""
    ranges = ((0x1F300, 0x1F650), (0x1F680, 0x1F700), (0x1F900, 0x1FA00))
    single = [
        chr(code)
        for low, high in ranges
        for code in range(low, high)
        if unicodedata.category(chr(code)) == "So"
    ]
    hands = [hand + tone for hand in "👍👋🙏💪👏" for tone in "🏻🏼🏽🏾🏿"]
    joined = [
        "👩\u200d💻",
        "👨\u200d👩\u200d👧",
        "🏳\ufe0f\u200d🌈",
        "❤\ufe0f",
        "🤷\u200d♀\ufe0f",
    ]
    flags = [chr(0x1F1E6 + a) + chr(0x1F1E6 + b) for a in range(26) for b in range(26)]
    return single + hands * 4 + joined * 20 + flags[::7]


def emoji_rich() -> list[str]:
    """Return sentences as they are written in chats: one to five emoji after each."""
    draw = random.Random("emoji")
    signs = emoji()
    return [
        sentence + " " + "".join(draw.choices(signs, k=draw.randint(1, 5)))
        for sentence in sentences()
    ]


def sentences() -> list[str]:
    """Return the sentences of the English texts, each once."""
    pieces = []
    for text in english():
        for sentence in re.split(r"(?<=[.!?:])\s+|\n\n", text):
            words = " ".join(sentence.split())
            if 20 < len(words) < 200:
                pieces.append(words)
    return list(dict.fromkeys(pieces))


def lines(count: int = 11_000, size: int = 60) -> list[str]:
    """Return distinct lines of about a size, as users type them into a chat."""
    fitting = [
        sentence
        for sentence in shuffled(sentences(), "lines")
        if size - 15 <= len(sentence.encode()) <= size + 15
    ]
    turned = [turn(sentence) for sentence in fitting]
    return list(dict.fromkeys([*fitting, *turned]))[:count]


def turn(sentence: str) -> str:
    """Return a sentence with its second half first."""
    words = sentence.split()
    half = len(words) // 2
    return " ".join([*words[half:], *words[:half]])


def shuffled(pieces: Iterable[str], seed: str) -> list[str]:
    """Return the pieces, each once, in an order that the seed determines."""
    order = list(dict.fromkeys(pieces))
    random.Random(seed).shuffle(order)
    return order


def documents(pieces: Iterable[str], seed: str, joint: str = "\n\n") -> list[str]:
    """Cut pieces, in an order of their own, into documents of one size."""
    text = joint.join(shuffled(pieces, seed))
    return [
        text[at : at + DOCUMENT] for at in range(0, len(text) - DOCUMENT + 1, DOCUMENT)
    ]


KINDS = ("English", "Python source", "20 languages", "JSON", "emoji-rich")


def build(folder: Path, kind: str) -> list[str]:
    """Return the documents of one kind, or "lines"; ``folder`` has the translations."""
    makers = {
        "English": english,
        "Python source": source,
        "20 languages": lambda: languages(folder),
        "JSON": lambda: json_records(folder),
        "emoji-rich": emoji_rich,
    }
    if kind == "lines":
        return lines()
    joint = "\n" if kind == "emoji-rich" else "\n\n"
    return documents(makers[kind](), kind, joint)


def kept(cache: Path, kind: str) -> list[str]:
    """Return what ``build`` does, from a file of this Python and this module."""
    module = hashlib.sha1(Path(__file__).read_bytes()).hexdigest()[:8]
    name = f"{kind.replace(' ', '-')}-{platform.python_version()}-{module}.json"
    path = cache / "corpora" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        documents = build(environments.translations(cache), kind)
        path.write_text(json.dumps(documents), encoding="utf-8")
    texts: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return texts
