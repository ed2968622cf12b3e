"""The page of ``harmony show --html``."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding
from harmony.cli.show.page import KNOWN_CHANNELS
from support import ROOT
from support.command import WEATHER, Run
from support.talks import HOSTILE, ROLES, TALK, html, reading


class Elements(HTMLParser):
    """Every element with its attributes, and all text in tokens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


TAGS = {
    *["html", "head", "meta", "title", "style", "body", "script", "main", "aside"],
    *["nav", "article", "header", "h1", "h2", "p", "div", "span", "i", "a", "ol", "ul"],
    *["li", "fieldset", "legend", "label", "input", "table", "caption", "thead"],
    *["tbody", "tfoot", "tr", "th", "td"],
}


def test_the_page_has_no_element_that_a_message_wrote(
    encoding: HarmonyEncoding,
) -> None:
    found = reading(encoding, HOSTILE)
    elements = Elements(html(found, "<b onclick=x>\"'"))
    assert {tag for tag, _ in elements.tags} <= TAGS
    names = {name for _, attributes in elements.tags for name in attributes}
    assert not any(name.startswith("on") for name in names)
    assert names <= {
        *["lang", "charset", "http-equiv", "content", "name", "class", "id", "href"],
        *["type", "checked", "autocomplete", "aria-labelledby", "aria-label", "role"],
        *["scope", "tabindex", "data-t", "data-b", "data-at"],
    }
    assert sum(tag == "script" for tag, _ in elements.tags) == 1
    classes = {
        a["class"]
        for tag, a in elements.tags
        if tag in ("article", "span")
        if "class" in a
    }
    known = {*ROLES, "", "s", "warning", "count", "quiet", "chip"}
    known |= {f"who {role}" for role in ("", *ROLES)}
    assert classes <= known | {f"chip {channel}" for channel in KNOWN_CHANNELS}


def test_the_page_needs_nothing_else(encoding: HarmonyEncoding) -> None:
    text = html(reading(encoding, TALK))
    links = re.findall(r'(?:href|src|action|url)\s*[=(]\s*["\']?([^"\'>\s)]*)', text)
    assert links and all(link.startswith("#") for link in links)
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert "unsafe" not in text and "@import" not in text
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links} <= set(ids)


def test_switches_are_set_as_asked_for(show: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert show(TALK, "--html", str(path), "--ids") == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert re.search(r'id="ids" autocomplete="off" checked', text)
    assert re.search(r'id="tokens" autocomplete="off">', text)
    assert "<title>standard input - harmony show</title>" in text


def test_an_error_about_the_page_names_the_page(run: Run, tmp_path: Path) -> None:
    """The input file used to be named."""
    missing = tmp_path / "missing" / "page.html"
    result = run("show", WEATHER, "--html", missing)
    assert result == (1, b"", f"harmony: {missing}: No such file or directory\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_an_error_while_writing_the_page_names_the_page(run: Run) -> None:
    result = run("show", WEATHER, "--html", "/dev/full")
    assert result == (1, b"", "harmony: /dev/full: No space left on device\n")


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_their_background(scheme: int) -> None:
    style = (ROOT / "harmony" / "cli" / "show" / "page.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.S)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    names = ["ink", "quiet", "accent", "alarm", *ROLES, *KNOWN_CHANNELS]
    pairs = [(name, card) for name in names for card in ("paper", "card")]
    pairs += [("ink", "shade"), ("quiet", "shade"), *((r, "shade") for r in ROLES)]
    pairs += [
        ("marker", "marker-card"),
        ("quiet", "marker-card"),
        ("alarm", "alarm-card"),
    ]
    low = [p for p in pairs if contrast(colours[p[0]], colours[p[1]]) < 4.5]
    assert low == []


def test_a_content_that_was_read_out_of_a_header_is_shown_again(
    encoding: HarmonyEncoding,
) -> None:
    shown = '<p class="read quiet">Read as:</p><div class="text">{}</div>'
    text = "<|start|>assistant to=f json {}<|call|>"
    assert shown in html(reading(encoding, text))
    assert "Read as" not in html(reading(encoding, TALK))
