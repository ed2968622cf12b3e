"""What a model may write: by llguidance's masks, whole replies and single tokens."""

from __future__ import annotations

import json
import re
import time
from random import Random
from typing import Any

import jsonschema
import numpy
import pytest

from harmony import HarmonyEncoding, chat, grammar, responses
from harmony._grammar.narrow import LLGUIDANCE, XGRAMMAR, Sampler, narrow
from harmony.grammar import Rules
from support import TEST_DATA
from support.convert import CASES
from support.walks import Walker, check, requests

llguidance = pytest.importorskip("llguidance")

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
THOUGHT = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
PREAMBLE = "<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant"
ANSWER = "<|channel|>final<|message|>4.<|return|>"
HEADER = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
ROLE_FIRST = (
    " to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>"
)
ARGUMENTS = '{"city":"Rome"}'
CALL = f"{HEADER}{ARGUMENTS}<|call|>"
NEXT = f"{CALL}<|start|>assistant"
PYTHON = "<|channel|>analysis to=python code<|message|>print(1)<|call|>"
SEARCH = '<|channel|>analysis to=browser.search code<|message|>{"query":"x"}<|call|>'


def with_tools(**options: Any) -> Rules:
    return Rules(functions={"get_weather": CITY, "now": None}, **options)


class Checker:
    """Takes text by a grammar."""

    def __init__(self, encoding: HarmonyEncoding) -> None:
        self.encoding = encoding
        self._tokenizer = grammar.tokenizer(encoding)

    def taken(self, text: str, lark: str) -> tuple[str, str, bool]:
        """Return how much of a text is taken, the token that is not, and whether the
        text may end there.
        """
        matcher = llguidance.LLMatcher(self._tokenizer, lark, log_level=0)
        assert not matcher.is_error(), matcher.get_error()
        tokens = self.encoding.encode(text, allowed_special="all")
        for place, token in enumerate(tokens):
            may_end = matcher.is_accepting()
            if not matcher.consume_token(token):
                decode = self.encoding.decode
                return decode(tokens[:place]), decode([token]), may_end
        return text, "", matcher.is_accepting()

    def accepts(self, text: str, rules: Rules) -> bool:
        """Tell whether a whole reply is taken."""
        return self.taken(text, rules.lark()) == (text, "", True)


@pytest.fixture(scope="module")
def checker(encoding: HarmonyEncoding) -> Checker:
    return Checker(encoding)


# Whole replies


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (ANSWER, {}),
        (THOUGHT + ANSWER, {}),
        (THOUGHT * 3 + ANSWER, {}),
        (PREAMBLE + THOUGHT + PREAMBLE + CALL, {}),
        (CALL, {"choice": "required"}),
        (CALL, {"choice": ("get_weather",)}),
        (f"{ROLE_FIRST}{ARGUMENTS}<|call|>", {}),
        (f"{CALL}<|start|>assistant{THOUGHT}{CALL}", {}),
        (ANSWER, {"choice": "none"}),
        (ANSWER.replace("4.", ""), {}),
        (
            ANSWER.replace("4.", "A token begins with `<|`."),
            {},
        ),
        (CALL.replace("get_weather", "now").replace(ARGUMENTS, "{}"), {}),
        (HEADER + '{\n  "city": "Rome",\n  "days": 3\n}<|call|>', {}),
        (PYTHON, {"builtin_tools": ("python",)}),
        (THOUGHT + SEARCH, {"builtin_tools": ("browser",)}),
        (ANSWER.replace("4.", ARGUMENTS), {"final": CITY}),
        (
            f"<|channel|>final <|constrain|>json<|message|>{ARGUMENTS}<|return|>",
            {"final": CITY},
        ),
        (f"4.<|end|><|start|>assistant{ANSWER}", {"begun": "analysis"}),
        ("4.<|return|>", {"begun": "final"}),
    ],
)
def test_a_reply_is_taken(checker: Checker, text: str, options: dict[str, Any]) -> None:
    assert checker.accepts(text, with_tools(**options))


@pytest.mark.parametrize(
    ("text", "until", "options"),
    [
        (ANSWER, "<|channel|>", {"choice": "required"}),
        (ANSWER, "<|channel|>", {"choice": ("now",)}),
        (CALL, "<|channel|>", {"choice": "none"}),
        (THOUGHT + ANSWER, "<|channel|>", {"reasoning": False}),
        (CALL, HEADER[: HEADER.index("get")], {"choice": ("now",)}),
        (CALL.replace("Rome", "\n"), f'{HEADER}{{"city":"', {}),
        (CALL.replace("city", "town"), f'{HEADER}{{"', {}),
        (CALL.replace('"Rome"', "1"), f'{HEADER}{{"city":', {}),
        (HEADER + "{}<|call|>", f"{HEADER}", {}),
        (CALL.replace("call|>", "end|>"), f"{HEADER}{ARGUMENTS}", {}),
        (ANSWER.replace("return|>", "end|>"), ANSWER[: -len("<|return|>")], {}),
        (f"{CALL}<|start|>assistant{CALL}", CALL, {"parallel": False}),
        (
            f"{CALL}<|start|>assistant{ANSWER}",
            f"{CALL}<|start|>assistant<|channel|>",
            {},
        ),
        ("<|channel|>final<|message|>a<|start|>", "<|channel|>final<|message|>a", {}),
        ("<|channel|>other<|message|>", "<|channel|>", {}),
        ("<|message|>4.<|return|>", "", {}),
        ("4.", "", {}),
        (PYTHON, "<|channel|>analysis", {}),
        (ANSWER, "<|channel|>final<|message|>", {"final": CITY}),
        (HEADER + "{" + " " * 100, HEADER + "{" + " " * 64, {}),
    ],
)
def test_what_is_forbidden_is_refused_where_it_begins(
    checker: Checker, text: str, until: str, options: dict[str, Any]
) -> None:
    taken, refused, may_end = checker.taken(text, with_tools(**options).lark())
    assert until.startswith(taken)
    assert len(until) < len(taken + refused), "the token that goes beyond it"
    assert may_end is (until == CALL)


def test_text_that_spells_a_special_token_is_no_token(
    checker: Checker, encoding: HarmonyEncoding
) -> None:
    matcher = llguidance.LLMatcher(grammar.tokenizer(encoding), Rules().lark())
    begun = encoding.encode("<|channel|>final<|message|>", allowed_special="all")
    spelled = encoding.encode("<|return|>", disallowed_special=())
    assert matcher.consume_tokens(begun) and matcher.consume_tokens(spelled)
    assert not matcher.is_accepting()
    (end,) = encoding.encode("<|return|>", allowed_special="all")
    assert matcher.consume_token(end) and matcher.is_stopped()


def test_what_the_format_page_says_that_the_model_writes(checker: Checker) -> None:
    page = (TEST_DATA.parent / "docs" / "format.md").read_text("utf-8")
    written = re.findall(r"```(?:model|harmony)\n<\|start\|>(assistant.*?)\n```", page)
    rules = with_tools(builtin_tools=("python",))
    assert len(written) == 3
    for text in written:
        last = text.removeprefix("assistant").replace("4<|end|>", "4<|return|>")
        assert checker.accepts(last, rules), text


def test_well_formed_replies_of_the_conversion_s_cases(checker: Checker) -> None:
    taken = {}
    for case in [case for case in CASES if "tokens" in case]:
        door = chat if case["kind"].startswith("chat") else responses
        rules = grammar.for_prompt(door.prompt(case["request"]), lenient=True)
        text = checker.encoding.decode(case["tokens"])
        taken[case["name"]] = checker.accepts(text, rules)
    assert taken == {
        **dict.fromkeys(("reasoned answer", "call", "preamble and call"), True),
        "bare call": False,  # without functions.
        "python": False,  # which the request does not bring
    }


# At random


class Masks:
    """The masks of llguidance."""

    def __init__(self, encoding: HarmonyEncoding, lark: str) -> None:
        self._matcher = llguidance.LLMatcher(grammar.tokenizer(encoding), lark)
        self.is_over = self._matcher.is_accepting
        self.is_stopped = self._matcher.is_stopped
        self.take = self._matcher.consume_token

    def allowed(self) -> Any:
        mask = numpy.frombuffer(self._matcher.compute_bitmask(), dtype=numpy.uint8)
        return numpy.unpackbits(mask, bitorder="little").astype(bool)


def walked(encoding: HarmonyEncoding, seed: int, count: int) -> int:
    """Check some replies for each of many requests; return how many ended."""
    walker = Walker(encoding)
    random = Random(seed)
    ended = 0
    for request in requests(seed, count):
        rules = request.rules()
        lark = rules.lark()
        for _ in range(4):
            tokens = walker.walk(Masks(encoding, lark), random)
            if tokens is not None:
                parse = encoding.parse_messages_from_completion_tokens
                check(request, rules, parse(tokens, "assistant"))
                ended += 1
    return ended


def test_some_walks_along_the_masks(encoding: HarmonyEncoding) -> None:
    assert walked(encoding, 1, 8) >= 24


@pytest.mark.slow
def test_a_thousand_walks_along_the_masks_give_what_was_asked_for(
    encoding: HarmonyEncoding,
) -> None:
    assert walked(encoding, 2, 260) >= 1000


# Requests


def test_the_rules_of_a_request(checker: Checker) -> None:
    function = {"name": "get weather", "parameters": CITY}
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": "Rome?"}],
        "tools": [{"type": "function", "function": function}],
    }
    for choice, allowed in [
        ("auto", [True, True]),
        ("required", [True, False]),
        ("none", [False, True]),
        ({"type": "function", "function": {"name": "get weather"}}, [True, False]),
    ]:
        rules = grammar.for_prompt(chat.prompt({**request, "tool_choice": choice}))
        assert (
            checker.accepts(CALL, rules),
            checker.accepts(ANSWER, rules),
        ) == tuple(allowed)


def test_tools_that_are_not_allowed_are_left_out(checker: Checker) -> None:
    tools = [
        {"type": "function", "name": name, "parameters": CITY}
        for name in ("get_weather", "other")
    ]
    allowed = [{"type": "function", "name": "get_weather"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": allowed}
    prompt = responses.prompt({"input": "Rome?", "tools": tools, "tool_choice": choice})
    rules = grammar.for_prompt(prompt)
    assert checker.accepts(CALL, rules) and checker.accepts(ANSWER, rules)
    assert not checker.accepts(CALL.replace("get_weather", "other"), rules)


def test_the_input_of_a_tool_that_is_not_allowed_need_not_be_enforced() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
    tools = [
        {"type": "custom", "name": "edit", "format": form},
        {"type": "function", "name": "get_weather", "parameters": CITY},
    ]
    choice = {"type": "function", "name": "get_weather"}
    request = {"input": "Rome?", "tools": tools, "tool_choice": choice}
    assert grammar.for_prompt(responses.prompt(request)).relaxed == ()


def test_a_response_format_and_one_call_at_most(checker: Checker) -> None:
    request = {
        "messages": [{"role": "user", "content": "Rome?"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "city", "schema": CITY},
        },
        "parallel_tool_calls": False,
    }
    rules = grammar.for_prompt(chat.prompt(request), reasoning=False)
    assert checker.accepts(ANSWER.replace("4.", ARGUMENTS), rules)
    assert not checker.accepts(ANSWER, rules)
    assert not checker.accepts(THOUGHT + ANSWER.replace("4.", ARGUMENTS), rules)


def test_built_in_tools_of_a_request(checker: Checker) -> None:
    request = {"messages": [{"role": "user", "content": "Rome?"}]}
    prompt = chat.prompt(request, builtin_tools=("browser",))
    assert checker.accepts(SEARCH, grammar.for_prompt(prompt))
    assert not checker.accepts(PYTHON, grammar.for_prompt(prompt))


def test_a_message_that_goes_on(checker: Checker) -> None:
    said = {"role": "assistant", "content": "2 + 2 ="}
    request = {
        "messages": [{"role": "user", "content": "2 + 2?"}, said],
        "continue_final_message": True,
    }
    rules = grammar.for_prompt(chat.prompt(request))
    assert checker.accepts(" 4.<|return|>", rules)
    thought = {"role": "assistant", "reasoning": "Well,"}
    request["messages"] = [{"role": "user", "content": "2 + 2?"}, thought]
    rules = grammar.for_prompt(chat.prompt(request))
    assert checker.accepts(f" 4.<|end|><|start|>assistant{ANSWER}", rules)


def custom(syntax: str, definition: str) -> chat.Prompt:
    form = {"type": "grammar", "syntax": syntax, "definition": definition}
    tool = {"type": "custom", "name": "edit", "format": form}
    return responses.prompt({"input": "Go.", "tools": [tool]})


def test_the_input_of_a_custom_tool_matches_its_expression(checker: Checker) -> None:
    rules = grammar.for_prompt(custom("regex", r"[a-z]+ \d{2}|\n"))
    call = HEADER.replace("get_weather", "edit") + '{"input": "%s"}<|call|>'
    assert checker.accepts(call % "abc 12", rules)
    assert checker.accepts(call % "\\n", rules)
    assert not checker.accepts(call % "abc 123", rules)


def test_a_grammar_for_the_input_of_a_custom_tool_is_refused_or_left_out() -> None:
    prompt = custom("lark", 'start: "a"')
    with pytest.raises(ValueError, match=r"^edit\.input: a lark grammar can't be"):
        grammar.for_prompt(prompt)
    rules = grammar.for_prompt(prompt, lenient=True)
    assert rules.relaxed == ("edit.input: lark grammar",)
    rules.lark()
    assert rules.relaxed == ("edit.input: lark grammar",)


# Schemas

NESTED = {
    "type": "object",
    "properties": {"tags": {"type": "array", "uniqueItems": True}},
}


@pytest.mark.parametrize("form", ["lark", "structural_tag"])
def test_what_can_not_be_enforced_is_named_by_tool_path_and_keyword(form: str) -> None:
    rules = Rules(functions={"f": NESTED})
    with pytest.raises(ValueError, match=r"^f\.properties\.tags: uniqueItems can't be"):
        getattr(rules, form)()
    rules = Rules(functions={"f": NESTED}, final=NESTED, lenient=True)
    getattr(rules, form)()
    assert rules.relaxed == (
        *("f.properties.tags: uniqueItems", "final.properties.tags: uniqueItems"),
    )


LACKS: list[tuple[Any, list[str]]] = [
    ({"not": {}}, ["not"]),
    ({"if": {"minLength": 1}, "then": {}}, ["if"]),
    ({"contains": {"type": "null"}}, ["contains"]),
    ({"propertyNames": {"maxLength": 3}}, ["propertyNames"]),
    ({"dependentRequired": {"a": ["b"]}}, ["dependentRequired"]),
    ({"unevaluatedProperties": {"type": "null"}}, ["unevaluatedProperties"]),
    ({"pattern": "^(?!a)b$"}, ["pattern"]),
    ({"pattern": r"(a)\1"}, ["pattern"]),
    ({"pattern": r"\bword"}, ["pattern"]),
    ({"pattern": "a^b"}, ["pattern"]),
    ({"enum": []}, ["enum"]),
    ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, ["exclusiveMinimum"]),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, ["oneOf"]),
    ({"format": "idn-email"}, ["format"]),
    ({"uniqueItems": False, "dependentRequired": {}, "x-unknown": 1}, []),
    ({"pattern": r"^[^$]\$(?:a|b)$|^$"}, []),
    ({"oneOf": [{"type": "string"}, {"type": ["null", "boolean"]}]}, []),
]


@pytest.mark.parametrize(("schema", "left_out"), LACKS)
def test_what_llguidance_lacks(
    encoding: HarmonyEncoding, schema: Any, left_out: list[str]
) -> None:
    narrowed, relaxed = narrow(schema, "f", LLGUIDANCE, True)
    assert relaxed == [f"f: {keyword}" for keyword in left_out]
    text = f"start: %json {json.dumps(narrowed)}"
    said = llguidance.LLMatcher.validate_grammar(text, grammar.tokenizer(encoding))
    assert said == ""
    if left_out and left_out != ["format"]:
        with pytest.raises(ValueError, match=f"^f: {left_out[0]} can't be enforced"):
            narrow(schema, "f", LLGUIDANCE, False)


@pytest.mark.parametrize("sampler", [LLGUIDANCE, XGRAMMAR], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"oneOf": 1}, "oneOf"),
        ({"oneOf": [{"type": 5}, {"type": [{}]}]}, "oneOf"),
        ({"format": ["date"]}, "format"),
        ({"type": "integer", "multipleOf": True}, "multipleOf"),
        ({"type": 5, "enum": ["a"]}, "type"),
        ({"type": ["string", {}]}, "type"),
        ({"type": "any"}, "type"),
        ({"type": "string", "enum": 5}, "enum"),
        ({"properties": ["a"], "required": ["b"]}, "properties"),
        ({"minimum": "1"}, "minimum"),
        ({"$ref": 5}, "$ref"),
        ({"pattern": 5}, "pattern"),
        ({"additionalProperties": "no"}, "additionalProperties"),
    ],
)
def test_a_keyword_with_a_wrong_value_is_named(
    schema: Any, keyword: str, sampler: Sampler
) -> None:
    """Some were a TypeError, or left out without a word."""
    with pytest.raises(ValueError, match=rf"^f: {re.escape(keyword)} can't be"):
        narrow(schema, "f", sampler, False)
    assert f"f: {keyword}" in narrow(schema, "f", sampler, True)[1]


def test_null_is_as_if_a_keyword_were_not_there() -> None:
    said = {"type": "object", "properties": {"a": {"type": "null"}}}
    silent = dict.fromkeys(("required", "oneOf", "format", "$ref", "minProperties"))
    assert narrow({**said, **silent}, "f", LLGUIDANCE, False) == (said, [])


def test_an_empty_reference_is_to_the_whole_schema() -> None:
    schema = {"type": "array", "items": {"$ref": ""}}
    said = {"type": "array", "items": {"$ref": "#"}}
    assert narrow(schema, "f", LLGUIDANCE, False) == (said, [])


EITHER = [{"type": "string"}, {"type": "null"}]


@pytest.mark.parametrize(
    ("schema", "narrowed"),
    [
        (
            {"properties": {"a": True, "b": False}},
            {"properties": {"a": {}, "b": False}},
        ),
        ({"items": [{"const": 1}]}, {"prefixItems": [{"const": 1}]}),
        ({"oneOf": EITHER}, {"anyOf": EITHER}),
        (
            {"oneOf": EITHER, "anyOf": [{"const": 1}]},
            {"allOf": [{"anyOf": EITHER}], "anyOf": [{"const": 1}]},
        ),
    ],
)
def test_what_llguidance_takes_in_other_words(
    schema: dict[str, Any], narrowed: dict[str, Any]
) -> None:
    assert narrow(schema, "f", LLGUIDANCE, False) == (narrowed, [])


SELF: dict[str, Any] = {"$ref": "#/$defs/a"}
KIND = {"required": ["kind"], "type": "object"}


@pytest.mark.parametrize(
    "variants",
    [
        [True, {"type": "string"}],
        [SELF, {"type": "null"}],
        [KIND, {**KIND, "properties": {"kind": {"const": 1}}}],
    ],
)
def test_variants_that_may_overlap_are_no_union(variants: list[Any]) -> None:
    """Any value, a reference that never ends, a property of any value."""
    schema = {"oneOf": variants, "$defs": {"a": SELF}}
    with pytest.raises(ValueError, match=r"f: oneOf can't be enforced by llguidance"):
        narrow(schema, "f", LLGUIDANCE, False)


def tagged(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"kind": {"const": kind}, kind: {"type": "string"}},
        "required": ["kind"],
    }


def test_variants_that_differ_in_a_constant_are_a_union() -> None:
    schema = {
        "oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
        "$defs": {"a": tagged("a"), "b": tagged("b")},
    }
    narrowed, relaxed = narrow(schema, "f", LLGUIDANCE, False)
    assert relaxed == []
    assert narrowed["anyOf"] == [{"$ref": "#/$defs/d0"}, {"$ref": "#/$defs/d1"}]


def test_a_reference_that_leads_nowhere_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^f\.properties\.a\.\$ref: '#/x' is not in"):
        narrow({"properties": {"a": {"$ref": "#/x"}}}, "f", LLGUIDANCE, True)


def test_null_is_allowed_where_it_is_nullable(checker: Checker) -> None:
    schema = {"properties": {"a": {"type": "integer", "nullable": True}}}
    rules = Rules(functions={"f": schema}, choice="required")
    call = HEADER.replace("get_weather", "f")
    for value, allowed in (("null", True), ("1", True), ('"x"', False)):
        assert checker.accepts(f'{call}{{"a":{value}}}<|call|>', rules) is allowed


def test_arguments_are_an_object_even_where_the_schema_does_not_say_so(
    checker: Checker,
) -> None:
    call = HEADER.replace("get_weather", "f")
    referring = {"$ref": "#/$defs/x", "$defs": {"x": {}}}
    schemas: list[dict[str, Any]] = [{}, {"properties": {}}, referring]
    for schema in schemas:
        rules = Rules(functions={"f": schema})
        assert checker.accepts(call + '{"a":1}<|call|>', rules)
        assert not checker.accepts(call + "1<|call|>", rules)


def test_nested_too_deeply_is_an_error_that_names_the_tool() -> None:
    schema: dict[str, Any] = {}
    schema["items"] = schema
    with pytest.raises(ValueError, match=r"^f: .*nested too deeply"):
        Rules(functions={"f": schema}).lark()


def test_a_schema_within_itself(checker: Checker) -> None:
    inner = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    rules = Rules(functions={"f": {**inner, "additionalProperties": False}})
    call = HEADER.replace("get_weather", "f")
    assert checker.accepts(call + '{"next":{"next":{}}}<|call|>', rules)
    assert not checker.accepts(call + '{"next":{"next":1}}<|call|>', rules)


@pytest.mark.parametrize("word", ['a"b', "a\\b", "größe", "a/b", "a:b", "$x", "%json"])
def test_hostile_names_keys_and_values(checker: Checker, word: str) -> None:
    schema = {"type": "object", "properties": {word: {"enum": [word]}}}
    rules = Rules(functions={word: schema}, final=schema)
    text = json.dumps({word: word}, ensure_ascii=False)
    call = HEADER.replace("get_weather", word)
    assert checker.accepts(f"{call}{text}<|call|>", rules)
    assert checker.accepts(ANSWER.replace("4.", text), rules)


# Options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"choice": "any"}, "choice: 'any' is not known"),
        ({"choice": ("x",)}, "choice: there is no tool 'x'"),
        ({"choice": "required"}, "choice: a call is required, and there is no tool"),
        ({"choice": ()}, "choice: a call is required, and there is no tool"),
        ({"builtin_tools": ("shell",)}, "builtin_tools: 'shell' is not known"),
        ({"functions": {"a b": None}}, "functions: 'a b' can't stand in the header"),
        ({"functions": {"<|end|>": None}}, "functions: '<|end|>' can't stand"),
        ({"functions": {"": None}}, "functions: '' can't stand"),
        ({"parallel": 1}, "parallel: "),
        ({"reasoning": None}, "reasoning: "),
        ({"final": {}, "begun": "final"}, "begun: an answer by a schema can't go on"),
    ],
)
def test_faults_of_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        Rules(**options)


def test_the_tokenizer_is_made_once(encoding: HarmonyEncoding) -> None:
    made = grammar.tokenizer(encoding)
    assert grammar.tokenizer(encoding) is made
    assert made.vocab_size == encoding.n_vocab
    assert made.eos_token == encoding.encode("<|return|>", allowed_special="all")[0]
    assert made.tokenize_str("Hi <|end|>") == encoding.encode(
        "Hi <|end|>", disallowed_special=()
    )


# Structural tags, as far as they can be looked at without xgrammar


def test_a_structural_tag_is_json_without_the_stop_tokens(
    encoding: HarmonyEncoding,
) -> None:
    rules = with_tools(builtin_tools=("browser", "python"), final=CITY)

    def count(token: str, **options: Any) -> int:
        (number,) = encoding.encode(token, allowed_special="all")
        text = json.dumps(rules.structural_tag(**options))
        return text.count(f'"token": {number}}}')

    # Two functions and four built-in ones, as a first call and as a further one.
    assert (count("<|call|>"), count("<|return|>")) == (12, 0)
    assert count("<|call|>", stop_tokens=("<|return|>", "<|call|>")) == 0
    assert count("<|return|>", stop_tokens=()) == 1


def test_what_xgrammar_lacks_beyond_llguidance() -> None:
    base = {"type": "object", "properties": {"a": {"type": "string"}}}
    for schema, keyword in (
        ({**base, "anyOf": [{"required": ["a"]}, {}]}, "type beside anyOf"),
        ({"allOf": [base, {"minProperties": 1}]}, "minProperties"),
        ({"allOf": [base, {"required": ["a"]}]}, "allOf"),
        ({"type": "number", "multipleOf": 0.5}, "multipleOf"),
        ({"type": "string", "pattern": "a"}, "pattern"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
        ({"properties": {"a": False}}, "false"),
        ({"type": "string", "maxLength": 5}, "maxLength"),
    ):
        narrow(schema, "f", LLGUIDANCE, False)
        with pytest.raises(ValueError, match=rf"{keyword} can't be enforced by xgr"):
            narrow(schema, "f", XGRAMMAR, False)


@pytest.mark.parametrize(
    ("schema", "narrowed", "left_out"),
    [
        (
            {"properties": {"a": False}},
            {"properties": {"a": {}}},
            "f.properties.a: false",
        ),
        ({"type": "null", "$ref": "#"}, {"$ref": "#"}, "f: type beside $ref"),
        ({"allOf": [{}, {"type": "null"}]}, {}, "f: allOf"),
    ],
)
def test_what_xgrammar_lacks_is_left_out(
    schema: dict[str, Any], narrowed: dict[str, Any], left_out: str
) -> None:
    assert narrow(schema, "f", XGRAMMAR, True) == (narrowed, [left_out])


def shape(tag: dict[str, Any]) -> Any:
    """Return the parts of a structural tag: tokens by their ids, others by kind."""
    parts = tag["format"]["elements"]
    return [part.get("token", part["type"]) for part in parts]


def test_a_structural_tag_begins_where_the_prompt_ends(
    encoding: HarmonyEncoding,
) -> None:
    stop, end, start = encoding.encode(
        "<|return|><|end|><|start|>", allowed_special="all"
    )

    def begun(**options: Any) -> Any:
        return shape(Rules(**options).structural_tag(stop_tokens=()))

    assert begun(begun="final") == ["any_tokens", stop]
    assert begun(begun="analysis")[:3] == ["any_tokens", end, start]
    assert "analysis" not in json.dumps(Rules(reasoning=False).structural_tag())
    assert "final" not in json.dumps(with_tools(choice="required").structural_tag())


def test_the_arguments_of_a_reference_are_left_to_it() -> None:
    """xgrammar takes nothing beside it, not even that they are an object."""
    city = {"$ref": "#/$defs/city", "$defs": {"city": CITY}}
    tag = json.dumps(Rules(functions={"f": city}).structural_tag())
    assert '{"$ref": "#/$defs/d0", "$defs": {"d0": {"type": "object"' in tag


def test_what_is_meant_is_said_to_xgrammar() -> None:
    tuple_ = {"type": "array", "items": [{"type": "null"}], "additionalItems": False}
    for schema, narrowed in (
        ({"type": "object"}, {"type": "object", "additionalProperties": {}}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        (tuple_, {"type": "array", "prefixItems": [{"type": "null"}], "items": False}),
        ({"type": "string", "enum": ["a", 1]}, {"enum": ["a"]}),
        ({"allOf": [{"type": "null"}], "title": "T"}, {"type": "null"}),
        ({"required": ["a"]}, {"required": ["a"], "properties": {"a": {}}}),
    ):
        assert narrow(schema, "f", XGRAMMAR, False) == (narrowed, [])


# Cost


@pytest.mark.slow
def test_a_grammar_for_ten_tools_takes_less_than_five_milliseconds() -> None:
    functions = {f"f{number}": CITY for number in range(10)}
    for form in ("lark", "structural_tag"):
        times = []
        for _ in range(20):
            start = time.thread_time()
            getattr(Rules(functions=functions), form)()
            times.append(time.thread_time() - start)
        assert min(times) < 0.005


def test_the_schemas_of_these_tests_are_schemas() -> None:
    for schema in (CITY, NESTED, tagged("a")):
        jsonschema.Draft202012Validator.check_schema(schema)
