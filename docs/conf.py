"""The documentation site: ``sphinx-build -W -b html docs build/site``."""

import os
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from pygments.lexer import RegexLexer, bygroups
from pygments.lexers.special import TextLexer
from pygments.token import Keyword, Name, Text
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
from header_page import header_page

os.environ["HARMONY_BINDING"] = "cffi"  # methods written in C have no types to show

PLAYGROUND = Path(__file__).parent / "playground" / "dist"
HEADER = Path(__file__).parents[1] / "csrc" / "harmony.h"

project = "harmony"
copyright = "the harmony authors, Apache-2.0"
release = version = version_of("harmony-format")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["build", "playground"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!harmony\.).*"),  # other people's names
    ("py:class", r"harmony\.(.*\.)?_\w+(\..*)?"),  # private ones, in signatures
    ("py:class", r"harmony\..*\.T"),  # type variables
]

highlight_language = "none"
myst_heading_anchors = 4

# What the parser needs of an encoding, which users know as the encoding itself.
autodoc_type_aliases = {"HasBinding": "harmony.HarmonyEncoding"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autoclass_content = "both"
python_maximum_signature_line_length = 72
toc_object_entries_show_parents = "hide"
autodoc_default_options = {"members": True}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "harmony"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# The playground, where it was built: `npm run playground` in js/.
html_extra_path = ["playground/dist"] if PLAYGROUND.exists() else []
html_logo = html_favicon = "_static/logo.svg"
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e62",
        "color-brand-content": "#0b6e62",
        "color-brand-visited": "#4b5f9e",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5fd4c0",
        "color-brand-content": "#5fd4c0",
        "color-brand-visited": "#a9b8ee",
    },
}


class HarmonyLexer(RegexLexer):
    """Harmony text: markers, roles, channels and recipients."""

    name = "harmony"
    tokens = {  # noqa: RUF012
        "root": [
            (
                r"(<\|start\|>)([\w.:-]*)",
                bygroups(Keyword, Name.Class),
            ),
            (
                r"(<\|channel\|>)(\w*)",
                bygroups(Keyword, Name.Function),
            ),
            (r"<\|\w+\|>", Keyword),
            (r"\bto=[\w.-]+", Name.Attribute),
            (r"[^<t]+|.", Text),
        ]
    }


def write_header_page(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put what csrc/harmony.h says in the place kept for it."""
    if page == "c-api":
        header = header_page(HEADER.read_text(encoding="utf-8"))
        source[0] = source[0].replace("HEADER_PAGE", header)


def close_examples(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Take away the blank line that ends an example; it is there for doctest."""
    source[0] = re.sub(
        r"(^```pycon\n.*?\n)\n```$", r"\1```", source[0], flags=re.M | re.S
    )


def setup(app: Sphinx) -> None:
    """Register the lexers of our documents, and what is done to their sources."""
    app.add_lexer("harmony", HarmonyLexer)
    app.add_lexer("model", HarmonyLexer)
    app.add_lexer("recovered", TextLexer)
    app.connect("source-read", write_header_page)
    app.connect("source-read", close_examples)
