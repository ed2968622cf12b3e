"""The page of ``harmony show`` in a real browser."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding
from support import browser
from support.talks import HOSTILE, TALK, html, reading


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    path = browser.found()
    if path is None:
        pytest.skip("there is no Chromium")
    opened = browser.Browser(path, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def opened(chromium: browser.Browser, encoding: HarmonyEncoding, tmp_path: Path) -> Any:
    """Open the page of a text; the browser must find nothing wrong with it."""

    def opened(text: str, **how: Any) -> browser.Browser:
        path = tmp_path / "page.html"
        path.write_text(html(reading(encoding, text), **how), encoding="utf-8")
        chromium.open(path)
        return chromium

    yield opened
    said = [e["params"] for e in chromium.events if e["method"] == "Log.entryAdded"]
    thrown = [e for e in chromium.events if e["method"] == "Runtime.exceptionThrown"]
    asked = [e for e in chromium.events if e["method"] == "Network.requestWillBeSent"]
    assert (said, thrown) == ([], [])
    assert [e["params"]["request"]["url"][-9:] for e in asked] == ["page.html"]


PANEL = "document.getElementById('token').innerText"


def test_the_mouse_shows_id_and_bytes_of_a_token(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi 👩 <|end|>")
    page.point('[data-t="12194"]')
    shown = page.value(PANEL)
    assert re.sub(r"\s+", " ", shown) == 'token 3 id 12194 bytes 48 69 text "Hi"'
    page.point('[data-t*=" "]')
    shown = page.value(PANEL)
    assert "ids" in shown and "20 f0 9f 91" in shown.replace(" | ", " ")
    page.point(".s")
    assert "200006" in page.value(PANEL)


def test_the_keyboard_goes_from_token_to_token(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi you there<|end|>")
    page.value("document.querySelector('[data-t=\"200006\"]').focus()")
    focused = "document.activeElement.dataset.t"
    assert "200006" in page.value(PANEL)
    found = []
    for key in (
        "ArrowRight",
        "Tab",
        "ArrowRight",
        "End",
        "ArrowRight",
        "ArrowLeft",
        "Home",
    ):
        page.press(key)
        found.append(page.value(focused))
    assert found == ["1428", "12194", "481", "200007", "200007", "1354", "12194"]
    assert re.sub(r"\s+", " ", page.value(PANEL)).startswith("token 3 id 12194 ")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.value(outline) == "solid"


def test_tab_reaches_switches_links_and_one_token_of_each_text(opened: Any) -> None:
    page = opened(TALK)
    found = []
    for _ in range(23):
        page.press("Tab")
        found.append(
            page.value(
                "document.activeElement.tagName + (document.activeElement.id || '')"
            )
        )
    assert found[:4] == ["A", "INPUTspecial", "INPUTtokens", "INPUTids"]
    assert found[4:12] == ["A"] * 8  # two warnings, six blocks
    assert found[12:] == ["SPAN"] * 11  # a header and a content each; a stray token


def test_switches_show_and_hide(opened: Any) -> None:
    page = opened(TALK)
    special = "getComputedStyle(document.querySelector('.s')).display"
    after = "getComputedStyle(document.querySelector('[data-t]'), '::after').content"
    assert page.value(special) == "inline"
    assert page.value(after) == "none"
    page.value("document.getElementById('special').click()")
    page.value("document.getElementById('ids').click()")
    assert page.value("document.querySelector('.head').checkVisibility()") is False
    assert page.value(special) == "none"
    assert page.value(after) == '"200006"'


def test_hostile_text_is_only_text(opened: Any) -> None:
    page = opened(HOSTILE)
    assert page.value("document.title") == "talk.txt - harmony show"
    shown = page.value("document.querySelector('main').textContent")
    assert "<script>document.title='gone'</script>" in shown
    assert (
        page.value("document.querySelectorAll('img, svg, b, u, main script').length")
        == 0
    )


def test_the_text_of_the_page_is_what_was_read(
    opened: Any, encoding: HarmonyEncoding
) -> None:
    page = opened(TALK)
    tokens = "[...document.querySelectorAll('main span[data-t]')]"
    assert page.value(f"{tokens}.map(e => e.textContent).join('')") == TALK
    ids = page.value(f"{tokens}.map(e => e.dataset.t).join(' ')")
    assert list(map(int, ids.split())) == encoding.encode(TALK, allowed_special="all")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_or_dark_as_preferred(
    opened: Any, scheme: str, tmp_path: Path
) -> None:
    page = opened(TALK, tokens=True)
    page.scheme(scheme)
    colour = page.value("getComputedStyle(document.body).backgroundColor")
    (red, *_) = map(int, re.findall(r"\d+", colour))
    assert (red > 200) == (scheme == "light")
    assert page.screenshot(1280, 1000).startswith(b"\x89PNG")
    for width in (1280, 390):
        page.screenshot(width, 800)
        wide = page.value("document.documentElement.scrollWidth")
        assert wide <= width


def test_a_large_page_is_soon_there(opened: Any) -> None:
    words = "<|start|>user<|message|>" + ("hello world\n" * 33_000)
    start = time.monotonic()
    page = opened(words)
    page.point("#m1 .text:nth-of-type(3) span:nth-of-type(5)")
    assert "id" in page.value(PANEL)
    assert page.value("document.querySelectorAll('.text').length") > 50
    assert time.monotonic() - start < 600
    assert os.path.getsize(page.value("decodeURI(location.pathname)")) < 10_000_000


def test_every_second_token_is_shaded(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi you there<|end|>", tokens=True)
    shades = page.value(
        "[...document.querySelectorAll('.text:not(.head) span')]"
        ".map(e => getComputedStyle(e).backgroundColor)"
    )
    assert all(one != other for one, other in pairwise(shades))
