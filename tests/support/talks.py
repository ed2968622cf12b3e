"""What ``harmony show`` is given to show."""

from __future__ import annotations

from harmony import HarmonyEncoding
from harmony.cli.show.page import page
from harmony.cli.show.reading import Reading
from harmony.cli.show.reading import read_messages as read

ROLES = ("system", "developer", "user", "assistant", "tool")

TALK = (
    "<|start|>user<|message|>Wie spät\nis it in 東京? 👩‍🚀<|end|>"
    "<|start|>assistant<|channel|>analysis<|message|>I ask.<|end|>"
    "<|start|>assistant to=functions.now<|channel|>commentary <|constrain|>json"
    "<|message|>{}<|call|><|end|>"
    "<|start|>functions.now to=assistant<|channel|>commentary<|message|>12<|end|>"
    "<|start|>assistant<|channel|>final odd words<|message|>Noon.<|return|>"
)


def reading(encoding: HarmonyEncoding, text: str, role: str | None = None) -> Reading:
    return read(encoding, encoding.encode(text, allowed_special="all"), role)


HOSTILE = (
    "<|start|>user<|message|>\x1b[2J\x1b]0;gone\x07 \u202e[red]x[/red] :smile: "
    "</div></script><script>document.title='gone'</script><img src=x onerror=\"document"
    ".title='gone'\"> &lt;b&gt; <!-- --> ]]> '\"><svg onload=alert(1)><|end|>"
    '<|start|>assistant<|channel|>"><img/src=x/onerror=alert(1)><|message|>x<|end|>'
    '<|start|>"><b>.x to=<i>.y<|message|>x<|end|><|start|>a <u>b</u><|message|>x'
)


def html(found: Reading, name: str = "talk.txt", **how: bool) -> str:
    return "".join(page(found, name, **how))
