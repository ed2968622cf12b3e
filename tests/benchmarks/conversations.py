"""Conversations as plain scripts, and as the objects of either library.

A script is a list of turns; a turn is ``(role, channel, recipient, content_type,
text)``, where a tool's role is its name. System and developer turns are made from
``date`` and ``TOOLS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from types import ModuleType
from typing import Any

Turn = tuple[str, "str | None", "str | None", "str | None", str]
Script = list[Turn]


def text(description: str, **more: Any) -> dict[str, Any]:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **more}


def listing(item: dict[str, Any], description: str) -> dict[str, Any]:
    """Return the schema of an array."""
    return {"type": "array", "items": item, "description": description}


def record(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "properties": properties, "required": required}


def choice(description: str, *values: str, default: str) -> dict[str, Any]:
    """Return the schema of one of some strings."""
    return text(description, enum=list(values), default=default)


def whole(description: str, default: int) -> dict[str, Any]:
    """Return the schema of a whole number."""
    return {"type": "integer", "description": description, "default": default}


PLACE = record(
    ["latitude", "longitude"],
    latitude={"type": "number", "minimum": -90, "maximum": 90},
    longitude={"type": "number", "minimum": -180, "maximum": 180},
    name=text("What people call the place.", nullable=True),
)
PERSON = record(["email"], email=text("The address."), name=text("The full name."))

TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "get_forecast": (
        "Get the weather for the coming days at a place.",
        record(
            ["place"],
            place=PLACE,
            days=whole("How many days, at most 14.", 3),
            units=choice(
                "Units of the answer.", "metric", "imperial", default="metric"
            ),
        ),
    ),
    "search_flights": (
        "Find flights between two airports, the cheapest first.",
        record(
            ["origin", "destination", "departure"],
            origin=text("IATA code of the airport.", examples=["ZRH", "JFK"]),
            destination=text("IATA code of the airport."),
            departure=text("The day, as YYYY-MM-DD."),
            back=text("The day of the way back; leave out for one way.", nullable=True),
            passengers=whole("How many travel.", 1),
            cabin=choice(
                "The cabin.", "economy", "business", "first", default="economy"
            ),
        ),
    ),
    "create_event": (
        "Put an event into the calendar and invite people.",
        record(
            ["title", "start", "end"],
            title=text("What it is about."),
            start=text("When it begins, in RFC 3339."),
            end=text("When it ends, in RFC 3339."),
            guests=listing(PERSON, "Who is invited."),
            reminders=listing({"type": "integer"}, "Minutes before it begins."),
        ),
    ),
    "send_email": (
        "Send an email from the user's address.\nAsk the user before you call this.",
        record(
            ["to", "subject", "body"],
            to=listing(PERSON, "The recipients."),
            cc=listing(PERSON, "Who gets a copy."),
            subject=text("The subject."),
            body=text("The text, in Markdown."),
            attachments=listing(text("The id of a file."), "What goes with it."),
        ),
    ),
    "query_database": (
        "Run a read-only SQL query against the warehouse.",
        record(
            ["sql"],
            sql=text("One SELECT statement in the PostgreSQL dialect."),
            parameters=listing(
                {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
                "Values of $1, $2 and so on.",
            ),
            limit=whole("Rows at most.", 100),
        ),
    ),
    "create_issue": (
        "Open an issue in the tracker.",
        record(
            ["project", "title"],
            project=text("The key of the project.", examples=["CORE"]),
            title=text("One line."),
            body=text("What happened and what was expected."),
            labels=listing(text("A label."), "Labels that exist already."),
            priority=choice("How urgent.", "low", "normal", "high", default="normal"),
        ),
    ),
    "read_file": (
        "Read a file of the workspace, or some lines of it.",
        record(
            ["path"],
            path=text("From the root of the workspace."),
            first=whole("The first line, from 1.", 1),
            last=whole("The last line.", 400),
        ),
    ),
    "run_tests": (
        "Run the tests of the workspace and return what failed.",
        record(
            [],
            pattern=text("Only tests whose name has this.", nullable=True),
            timeout=whole("Seconds until it is given up.", 600),
            coverage={"type": "boolean", "default": False},
        ),
    ),
    "translate": (
        "Translate text, and keep its markup.",
        record(
            ["text", "target"],
            text=text("What to translate."),
            source=text("Language tag; found out if left out."),
            target=text("Language tag, such as de-CH."),
            glossary={"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ),
    "get_stock_price": (
        "Get the prices of a share over some time.",
        record(
            ["symbol"],
            symbol=text("The ticker symbol.", examples=["MSFT"]),
            span=choice("The time.", "1d", "1w", "1m", "1y", default="1m"),
            currency=text("ISO 4217 code."),
        ),
    ),
}


def agent(texts: Iterator[str], turns: int = 40) -> Script:
    """Return turns of an agent: thoughts, calls, results and answers, around."""
    names = cycle(["browser.search", "python", *(f"functions.{n}" for n in TOOLS)])
    script: Script = [("user", None, None, None, next(texts))]
    while len(script) < turns:
        name = next(names)
        kind = "<|constrain|>json" if name.startswith("functions.") else None
        channel = "commentary" if kind else "analysis"
        script += [
            ("assistant", "analysis", None, None, next(texts)),
            ("assistant", channel, name, kind, call_arguments(next(texts))),
            (name, channel, "assistant", None, next(texts)),
        ]
        if len(script) % 2 == 0:
            script.append(("user", None, None, None, next(texts)))
    return script[:turns]


def call_arguments(words: str) -> str:
    """Return the arguments of a call as a model writes them."""
    shown = words.replace("\\", "/").replace('"', "'").replace("\n", " ")[:160]
    return '{"query": "' + shown + '", "limit": 10}'


def talk(texts: Iterator[str], turns: int) -> Script:
    """Return questions and answers without tools."""
    roles = cycle([("user", None), ("assistant", "final")])
    return [(*next(roles), None, None, next(texts)) for _ in range(turns)]


def chat_request(texts: Iterator[str], turns: int = 40) -> dict[str, Any]:
    """Return a chat as a request: questions, calls with thoughts, results, answers."""
    names = cycle(TOOLS)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Work step by step."}
    ]
    while len(messages) < turns:
        number = len(messages)
        called = {"name": next(names), "arguments": call_arguments(next(texts))}
        call = {"id": f"call_{number}", "type": "function", "function": called}
        messages += [
            {"role": "user", "content": next(texts)},
            {"role": "assistant", "reasoning": next(texts), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": next(texts)},
            {"role": "assistant", "content": next(texts)},
        ]
    functions = [
        {"name": name, "description": description, "parameters": parameters}
        for name, (description, parameters) in TOOLS.items()
    ]
    tools = [{"type": "function", "function": function} for function in functions]
    return {"model": "gpt-oss-20b", "messages": messages[:turns], "tools": tools}


def message(library: ModuleType, turn: Turn) -> Any:
    """Return one turn as a message of a library."""
    role, channel, recipient, content_type, content = turn
    if role in ("user", "assistant"):
        made = library.Message.from_role_and_content(library.Role(role), content)
    else:
        author = library.Author.new(library.Role.TOOL, role)
        made = library.Message.from_author_and_content(author, content)
    if channel is not None:
        made = made.with_channel(channel)
    if recipient is not None:
        made = made.with_recipient(recipient)
    if content_type is not None:
        made = made.with_content_type(content_type)
    return made


def system(library: ModuleType, date: str, *, tools: bool) -> Any:
    """Return a system message, with the built-in tools or without."""
    content = library.SystemContent.new().with_conversation_start_date(date)
    if tools:
        content = content.with_browser_tool().with_python_tool()
    return library.Message.from_role_and_content(library.Role.SYSTEM, content)


def developer(library: ModuleType, instructions: str) -> Any:
    """Return a developer message with the function tools."""
    tools = [
        library.ToolDescription.new(name, description, parameters=parameters)
        for name, (description, parameters) in TOOLS.items()
    ]
    content = library.DeveloperContent.new().with_instructions(instructions)
    content = content.with_function_tools(tools)
    return library.Message.from_role_and_content(library.Role.DEVELOPER, content)


def messages(library: ModuleType, script: Script, date: str, *, tools: bool) -> Any:
    """Return the messages of a script, the system message first."""
    head = [system(library, date, tools=tools)]
    if tools:
        head.append(developer(library, f"Work step by step. Today is {date}."))
    return [*head, *(message(library, turn) for turn in script)]
