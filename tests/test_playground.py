"""The playground, driven in a headless Chromium, where it is built and there is one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding, chat, load_harmony_encoding
from support import ROOT, browser
from support.talks import HOSTILE

PAGE = ROOT / "docs" / "playground" / "dist" / "try.html"
PATH = browser.found()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PATH is None or not PAGE.exists(),
        reason="no Chromium, or not built: npm run playground",
    ),
]
NARROW, WIDE = (390, 844), (1400, 900)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    assert PATH is not None
    opened = browser.Browser(PATH, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


class Page:
    """The page, as somebody who types sees it."""

    def __init__(self, chromium: browser.Browser) -> None:
        self.browser = chromium
        chromium.resize(*WIDE)
        self.go(PAGE.as_uri())

    def go(self, url: str) -> None:
        """Load the page anew, with what its address carries."""
        self.browser.go("about:blank")
        self.browser.go(url)
        self.wait("document.documentElement.dataset.ready === 'yes'")

    def wait(self, condition: str) -> None:
        """Wait until something holds, which it does soon."""
        end = time.monotonic() + 60
        while not self.browser.value(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        self.browser.value(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        """Put text in place of what stands in a field, as if it were typed."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.browser.value(f"({field}.focus(), {field}.select())")
        self.browser.do("Input.insertText", text=text)

    def choose(self, selector: str, value: str) -> None:
        field = f"document.querySelector({json.dumps(selector)})"
        self.browser.value(
            f"({field}.value = {json.dumps(value)},"
            f"{field}.dispatchEvent(new Event('change')))"
        )

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements."""
        found: list[str] = self.browser.value(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map((element) => element.textContent)"
        )
        return found

    def tokens(self) -> list[int]:
        """Return the ids of all tokens on the page."""
        ids = self.browser.value(
            "[...document.querySelectorAll('.text > span[data-t]')]"
            ".flatMap((span) => span.dataset.t.split(' ')).map(Number)"
        )
        return [int(token) for token in ids]

    def complaints(self) -> list[Any]:
        """Return what the browser has to say: errors, and refusals by the policy."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [event for event in self.browser.events if event["method"] in kinds]


@pytest.fixture
def page(chromium: browser.Browser) -> Iterator[Page]:
    opened = Page(chromium)
    yield opened
    assert opened.complaints() == []
    asked = [
        event["params"]["request"]["url"]
        for event in chromium.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert all(url.startswith("file:") and "try.html" in url for url in asked)


@pytest.fixture(scope="module")
def ours() -> HarmonyEncoding:
    return load_harmony_encoding("HarmonyGptOss")


def test_typing_changes_the_tokens(page: Page, ours: HarmonyEncoding) -> None:
    before = page.tokens()
    page.type("#rows .row:nth-child(4) textarea", "And now, größer?")
    assert page.tokens() != before
    text = ours.decode(page.tokens())
    assert text.endswith(
        "<|start|>user<|message|>And now, größer?<|end|><|start|>assistant"
    )
    assert page.texts("#total") == [
        "3 messages, 1 of a finished turn left out, "
        f"{len(page.tokens())} tokens, 0 warnings"
    ]


def test_a_message_is_added_and_removed(page: Page, ours: HarmonyEncoding) -> None:
    page.click("#add")
    page.browser.do("Input.insertText", text="One more.")
    assert "<|message|>One more.<|end|>" in ours.decode(page.tokens())
    page.type("#rows .row:last-child input", "final")
    assert "<|channel|>final<|message|>One more." in ours.decode(page.tokens())
    page.click("#rows .row:last-child .remove")
    assert "One more." not in ours.decode(page.tokens())


def test_a_chat_request_is_pasted(page: Page, ours: HarmonyEncoding) -> None:
    tool = {"type": "function", "function": {"name": "now", "parameters": {}}}
    request = {"messages": [{"role": "user", "content": "Rome?"}], "tools": [tool]}
    page.choose("#kind", "chat")
    page.type("#json", json.dumps(request))
    assert page.tokens() == chat.prompt(request).tokens(ours)
    page.type("#json", '{"messages": [{"role": "bob"}]}')
    (fault,) = page.texts("#fault:not([hidden])")
    assert fault.startswith("messages[0].role: ")
    page.choose("#kind", "responses")
    assert page.texts("#fault:not([hidden])") == []


def test_a_reply_is_repaired_or_refused(page: Page, ours: HarmonyEncoding) -> None:
    page.click("#tab-read")
    text = "<|channel|>final some odd words<|message|>Sunny 👩‍🚀.<|return|>"
    page.type("#reply", text)
    assert page.tokens() == ours.encode(text, allowed_special="all")
    assert page.texts(".warning") == ["⚠ header_words “some odd words”"]
    page.click("#recover")
    (refused,) = page.texts(".warning")
    assert refused.startswith("⚠ unexpected tokens remaining in message header")


def test_a_reply_is_streamed(page: Page) -> None:
    page.click("#tab-read")
    whole = page.tokens()
    page.browser.value("document.getElementById('pace').value = 0")
    page.click("#stream")
    assert page.texts("#stream") == ["Stop"]
    page.wait("document.getElementById('stream').textContent === 'Stream it'")
    assert page.tokens() == whole


def test_a_schema_becomes_typescript(page: Page) -> None:
    page.click("#tab-schema")
    page.type(
        "#parameters", '{"type": "object", "properties": {"n": {"default": 1.0}}}'
    )
    shown = "type f = (_: {\nn?: any, // default: 1.0\n}) => any;"
    assert page.texts("#typescript") == [shown]
    page.type("#parameters", '{"anyOf": [{"type": "string"}, {"type": "null"}]}')
    assert page.texts("#typescript") == ["type f = (_: any) => any;"]
    page.click("#complete")
    assert page.texts("#typescript") == ["type f = (_: string | null) => any;"]
    page.type("#parameters", "{")
    assert page.texts("#fault:not([hidden])")[0].startswith("JSON: ")


def test_hostile_text_is_text(page: Page) -> None:
    page.type("#rows textarea", HOSTILE)
    page.type("#rows input", "<img src=x onerror=document.title='gone'>")
    page.click("#tab-read")
    page.type("#reply", HOSTILE)
    page.choose("#role", "")
    assert page.browser.value("document.title") == "harmony playground"
    inside = "document.querySelectorAll('#result :is(img, script, b, u, svg)').length"
    assert page.browser.value(inside) == 0
    assert "\u202e" not in "".join(page.texts("#result"))


def test_a_byte_order_mark_is_shown_as_what_it_is(page: Page) -> None:
    """It was shown as U+FFFD."""
    page.click("#tab-read")
    page.type("#reply", "<|channel|>final<|message|>\ufeffa<|return|>")
    assert "⟨U+FEFF⟩" in "".join(page.texts(".text > span"))


def test_a_link_carries_what_is_typed(page: Page) -> None:
    page.type("#rows textarea", "carried 👩‍🚀")
    page.click("#link")
    page.wait("location.hash.length > 10")
    link = page.browser.value("location.href")
    page.go(link)
    carried = page.browser.value("document.querySelector('#rows textarea').value")
    assert carried == "carried 👩‍🚀"


@pytest.mark.parametrize("fragment", ["x", "%00", "q1YqLU4tUrJSKkktLlGqBQA", "-" * 99])
def test_a_link_that_holds_nothing_good(page: Page, fragment: str) -> None:
    before = page.tokens()
    page.browser.value(f"location.hash = {json.dumps(fragment)}")
    time.sleep(0.1)
    assert page.tokens() == before


def test_by_keyboard(page: Page) -> None:
    page.browser.value("document.getElementById('tab-write').focus()")
    page.browser.press("ArrowRight")
    assert page.browser.value("document.activeElement.id") == "tab-read"
    assert page.browser.value("document.getElementById('read').hidden") is False
    page.browser.press("ArrowLeft")
    page.browser.value("document.querySelector('.text > [tabindex=\"0\"]').focus()")
    page.browser.press("ArrowRight")
    assert page.texts("#token code")[:2] == ["1", "1428"]


@pytest.mark.parametrize("tab", ["write", "read", "schema"])
def test_on_a_phone_nothing_is_beside_the_screen(page: Page, tab: str) -> None:
    page.click(f"#tab-{tab}")
    page.browser.resize(*NARROW)
    assert page.browser.value("document.documentElement.scrollWidth") <= NARROW[0]


def test_the_page_has_all_it_needs_inside() -> None:
    text = Path(PAGE).read_text(encoding="utf-8")
    assert "src=" not in text.partition("<script>")[0]
    assert len(text) < 1_500_000
