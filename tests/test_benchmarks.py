"""The logic of tests/benchmarks: nothing here is installed or timed."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path
from typing import Any

import pytest

import harmony
from benchmarks import (
    conversations,
    corpora,
    driver,
    front,
    instructions,
    jobs,
    results,
    targets,
    vocabularies,
)
from benchmarks.peers import Operations
from benchmarks.sections import everyday
from benchmarks.sections.texts import Passes
from benchmarks.tables import (
    figures,
    number,
    ratios,
    replace,
    sentences,
    summary,
    verdicts,
)
from harmony import HarmonyEncoding
from support import ROOT
from support.o200k import PATTERN
from support.rows import chat_row, lines

# Texts


@pytest.mark.slow
def test_documents_are_the_same_each_time_and_all_different() -> None:
    documents = corpora.documents(corpora.source(), "Python source")
    assert documents == corpora.documents(corpora.source(), "Python source")
    assert len(set(documents)) == len(documents) > 50
    assert {len(document) for document in documents} == {corpora.DOCUMENT}


def test_pieces_are_used_once_whatever_their_order() -> None:
    assert corpora.shuffled("cabbage", "x") == corpora.shuffled("cabbage", "x")
    assert sorted(corpora.shuffled("cabbage", "x")) == list("abceg")


def test_a_worker_sees_each_text_once() -> None:
    passes = Passes.deal(["w"], list("abcdefgh"), 3)
    assert passes.rounds == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert passes.all == ["w", *"abcdef"]
    assert passes.sizes() == [2, 2, 2]
    assert passes.settling == ["w"]


@pytest.mark.slow
def test_the_vocabulary_files_are_the_vocabulary(
    tiktoken_file: Path, tmp_path: Path
) -> None:
    folder = vocabularies.prepare(tmp_path)
    written = (folder / "o200k_base.tiktoken").read_bytes()
    assert written == tiktoken_file.read_bytes()
    assert vocabularies.PATTERN == PATTERN


# Jobs and workers


@pytest.fixture
def operations(encoding: HarmonyEncoding) -> Operations:
    return Operations(
        to_list=encoding.encode,
        decode=encoding.decode,
        library=harmony,
        encoding=encoding,
    )


def test_a_digest_is_that_of_the_tokens_in_any_form() -> None:
    tokens = [1, 2, 200_000]
    forms: list[Any] = [tokens, array("i", tokens), array("i", tokens).tobytes()]
    assert len({jobs.digest([form]) for form in forms}) == 1
    assert jobs.digest([[1], [2]]) != jobs.digest([[1, 2]])


def test_a_pass_is_timed_and_has_a_digest(operations: Operations) -> None:
    timing = jobs.apply(operations, "to_list", ["hello", "world"], settling=["hello"])
    assert timing["digest"] == jobs.digest(jobs.tokens(operations, ["hello", "world"]))
    assert timing["cpu"] >= 0 and timing["wall"] > 0


def test_conversations_render_and_parse(operations: Operations) -> None:
    texts = iter([f"text {number}" for number in range(100)])
    script = ("2025-06-28", conversations.agent(texts))
    timing = jobs.render(operations, [script], [], tools=True)
    assert timing["tokens"] > 1_500
    assert len(script[1]) == 40
    grown = jobs.render_growing(operations, script, [], steps=1)
    assert grown["digest"] == timing["digest"]
    tokens = jobs.rendered(operations, script, tools=True)
    parsed = jobs.parse(operations, [tokens, tokens[:0]], None)
    messages = operations.encoding.parse_messages_from_completion_tokens(tokens)
    assert parsed["digest"] == jobs.digest(map(jobs.as_text, messages))


def test_a_worker_answers_says_what_failed_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "TESTS", Path(__file__).parent)
    worker = driver.Worker(Path(sys.executable), "harmony", tmp_path)
    try:
        assert worker.wait() == "ready"
        assert worker.call("tokens", texts=["hello world"]) == [[24912, 2375]]
        with pytest.raises(driver.JobFailed, match="TypeError"):
            worker.call("tokens", texts=[7])
        assert worker.call("tokens", texts=["hello"]) == [[24912]]
    finally:
        worker.stop()


def test_who_fails_takes_no_further_part_and_each_begins_once() -> None:
    asked: list[tuple[str, int]] = []

    def run(worker: Any, number: int) -> int:
        asked.append((worker, number))
        if worker == "b":
            raise driver.JobFailed("broken")
        return number

    workers: Any = {"a": "a", "b": "b", "c": "c"}
    found = driver.alternate(workers, 3, run)
    assert found["a"] == [0, 1, 2]
    assert [str(each) for each in found["b"]] == ["broken"]
    first = [next(w for w, n in asked if n == number) for number in range(3)]
    assert first == ["b", "c", "a"]


# Figures


def one(unit: str, **values: list[float]) -> results.Table:
    made = results.table("array", "Encode", unit)
    made["cases"]["English"] = {
        name.replace("_", "-"): results.entry(rounds) for name, rounds in values.items()
    }
    return made


def test_a_ratio_is_the_median_of_those_within_rounds() -> None:
    table = one("MB/s", harmony=[10, 40, 30], tiktoken=[5, 10, 30])
    case = table["cases"]["English"]
    assert results.advantages("MB/s", case) == {"tiktoken": 2}
    assert results.advantages("ns", case) == {"tiktoken": 0.5}


def test_the_best_peer_has_the_tokens_right() -> None:
    table = one("MB/s", harmony=[10], tiktoken=[5], tokie=[20], fastokens=[8])
    case = table["cases"]["English"]
    case["tokie"]["note"] = "other tokens"
    case["gigatoken"] = results.absent("not installed")
    assert results.best_peer("MB/s", case) == ("fastokens", 1.25)
    shown = figures(table)
    assert "| tokie | 20.0 (other tokens) |" in shown
    assert "| **best peer** | **1.25 x fastokens** |" in shown
    assert "tokie" not in ratios(table)


def test_without_a_figure_of_ours_there_is_no_verdict() -> None:
    assert targets.judge([one("MB/s", tiktoken=[5])]) == []


@pytest.mark.parametrize(("ours", "met"), [(12.5, True), (12.4, False)])
def test_a_target_is_met_at_its_bound(ours: float, met: bool) -> None:
    (verdict,) = targets.judge([one("MB/s", harmony=[ours], fastokens=[10])])
    assert verdict.met is met
    assert ("| yes |" in verdicts([verdict])) is met


def test_a_case_may_have_a_bound_of_its_own() -> None:
    table = one("MB/s", harmony=[11.5], fastokens=[10]) | {"name": "list"}
    table["cases"]["JSON"] = table["cases"]["English"]
    english, as_json = targets.judge([table])
    assert (english.bound, english.met) == (1.2, False)
    assert (as_json.bound, as_json.met) == (1.1, True)


def test_one_call_for_many_is_compared_with_a_loop() -> None:
    table = results.table("batches", "Many at once", "us for each of them")
    for case, cost in ((everyday.LISTS_LOOP, 9), (everyday.LISTS, 3)):
        table["cases"][case] = {"harmony": results.entry([cost])}
    (verdict,) = targets.judge([table])
    assert (verdict.measured, verdict.met) == (3, True)


def test_everyday_jobs(operations: Operations) -> None:
    assert jobs.method(operations, "decode", [[24912, 2375]])["digest"] == jobs.digest(
        ["hello world"]
    )
    for what in ("SystemContent.new", "a message with ten tools"):
        assert jobs.make(operations, what, 2)["cpu"] >= 0
    script = ("2025-06-28", conversations.talk(iter("abcdef"), 6))
    for way in ("from_json", "to_json"):
        assert jobs.json_form(operations, script, True, way, 10)["cpu"] >= 0
    for way in (everyday.LISTS, everyday.LISTS_LOOP, everyday.ARRAYS):
        assert jobs.many(operations, way, ["hello", "world"])["cpu"] >= 0
    for one_call in (True, False):
        assert jobs.many_talks(operations, one_call, [script])["cpu"] >= 0
    tokens = operations.encoding.encode("<|message|>hi<|end|>", allowed_special="all")
    assert jobs.process(operations, tokens, tokens)["cpu"] >= 0


def test_flatness_is_the_dearest_over_the_cheapest() -> None:
    table = results.table("growth of parsing", "Parse", "ns a token")
    for length, cost in {"1,000": 50, "10,000": 60, "100,000": 70}.items():
        table["cases"][length] = {"harmony": results.entry([cost])}
    (verdict,) = targets.judge([table])
    assert verdict.measured == pytest.approx(1.4)
    assert not verdict.met


def test_pathological_texts_are_compared_with_prose_and_peers() -> None:
    table = results.table("pathological", "First call", "ns a byte")
    for case, cost in {"English prose": 10, "a": 50}.items():
        table["cases"][case] = {
            "harmony": results.entry([cost]),
            "tiktoken": results.entry([100]),
        }
    found = {v.what: v for v in targets.judge([table])}
    assert found["speed on 'a' over that on prose"].measured == pytest.approx(0.2)
    assert found["First call: a"].met
    assert len(found) == 2


def test_the_page_begins_with_what_users_do() -> None:
    made = [
        one("MB/s", harmony=[30], openai_harmony=[10]) | {"name": "list"},
        one("MB/s", harmony=[12], fastokens=[10]) | {"name": "array"},
        results.table("start", "Start", "ms"),
        results.table("memory", "Memory", "MB"),
    ]
    for table, value in zip(made[2:], (14.6, 12.5), strict=True):
        table["cases"]["new process"] = {"harmony": results.entry([value])}
    assert summary(made) == {"encode English to a list": 3}
    assert sentences(made) == (
        "Times as fast as openai-harmony: 3.00 to encode English to a list.\n"
        "To arrays, five kinds of text are encoded at 1.20 to 1.20 times the speed of "
        "whichever tokenizer on the package index is best at it.\n"
        "The first token is there 14.6 ms after a bare interpreter, for 12.5 MB."
    )
    assert summary([]) == {}
    assert sentences([]) == ""


def test_numbers_have_three_digits_that_matter() -> None:
    shown = [number(value) for value in (0.123, 1.234, 12.34, 123.4, 12345.6)]
    assert shown == ["0.12", "1.23", "12.3", "123", "12\u202f346"]


def test_only_what_is_between_the_markers_is_replaced() -> None:
    page = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n"
    new = "a\n<!-- begin: x -->\n\nnew \\1\n\n<!-- end: x -->\nb\n"
    assert replace(page, "x", "new \\1") == new
    with pytest.raises(ValueError):
        replace(page, "y", "new")


def test_instruction_counts_are_bounded_and_none_is_forgotten() -> None:
    assert instructions.compare({"load": 115}, {"load": 100})[1]
    assert not instructions.compare({"load": 116}, {"load": 100})[1]
    assert not instructions.compare({"new": 1}, {})[1]


def test_instruction_counts_stand_beside_those_of_another_checkout() -> None:
    table = instructions.beside({"load": 1500}, {"load": 1000})
    assert table.splitlines()[-1] == "| load | 1,000 | 1,500 | 1.500 |"


def test_the_front_chart_has_a_row_for_each_job() -> None:
    tables: dict[str, Any] = {}
    for job in front.JOBS:
        unit = "MB/s" if job.table in ("list", "decode") else "us a call"
        table = tables.setdefault(job.table, results.table(job.table, "", unit))
        entries = {"harmony": results.entry([2.0]), "tiktoken": results.entry([3.0])}
        entries["tokie"] = results.entry([99.0], "wrong")
        entries["openai-harmony"] = results.entry([4.0])
        table["cases"][job.case] = entries
    rows = front.front(list(tables.values()))
    assert [row.name for row in rows] == [job.name for job in front.JOBS]
    assert rows[0] == front.Row("a prompt, again", 2.0, 4 / 3)
    assert rows[5] == front.Row("text to tokens", 0.5, 0.75)


# Rows


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("out", "options"), [("out.bin", []), ("out", ["--shard-size", "500"])]
)
def test_memory_does_not_grow_with_the_number_of_rows(
    tmp_path: Path, out: str, options: list[str]
) -> None:
    pytest.importorskip("pyarrow")
    from benchmarks import rows

    peaks = []
    for count in (2000, 8000):
        source = tmp_path / f"{count}.jsonl"
        source.write_bytes(lines([chat_row(i, tools=True) for i in range(count)]))
        others = *options, "--processes", "1"
        peaks.append(rows.finished(ROOT, source, f"{count}-{out}", *others)[1])
    print(out, peaks)
    # The rows more have 16 MB as JSON, and 14 as tokens.
    assert peaks[1] < peaks[0] + 10_000
