"""What lines are, what is read, and what is written, besides lists of tokens."""

from __future__ import annotations

import errno
import gzip
import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from harmony import HarmonyEncoding, chat, training
from harmony.cli import main
from harmony.cli.bulk import sources
from harmony.cli.bulk.sources import format_of
from support.bulk import BAD, GOOD, posix
from support.convert import DATE
from support.rows import chat_row, harmony_row, lines

ROWS = [chat_row(i, turns=1 + i % 3, tools=i % 4 == 0) for i in range(30)]
Json = dict[str, Any]


def run(capsys: Any, *arguments: object) -> tuple[int, Json, str]:
    status = main(["render", "--jsonl", *map(str, arguments), "--processes", "1"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else {}, err


def examples(encoding: HarmonyEncoding) -> list[training.Example]:
    talks = [chat.prompt(row, date=DATE).conversation for row in ROWS]
    return [training.example(encoding, talk) for talk in talks]


MASKED = ("--date", DATE, "--for", "training", "--mask", "sampled")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (GOOD % 1, "harmony"),
        (lines([harmony_row(1)]), "harmony"),
        (lines([chat_row(1)]), "chat"),
        (lines([chat_row(1, tools=True)]), "chat"),
        (b'{"messages": [{"role": "assistant", "content": "hi"}]}', "chat"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "tools": []}', "chat"),
        (b"{", "harmony"),
        (b"[]", "harmony"),
        (b"", "harmony"),
    ],
)
def test_the_format_is_found_out_by_the_first_line(line: bytes, name: str) -> None:
    assert format_of(line) == name


def test_chats_are_rendered_and_said_to_be_chats(
    tmp_path: Path, capsys: Any, encoding: HarmonyEncoding
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(lines(ROWS))
    status, counts, err = run(capsys, source, "--out", out, *MASKED)
    assert status == 0
    assert err == f"harmony: {source}: lines are chats (--format chat)\n"
    wanted = examples(encoding)
    assert counts["records"] == len(ROWS) and counts["dropped"] == 0
    for line, made in zip(out.read_bytes().splitlines(), wanted, strict=True):
        assert json.loads(line) == {
            "input_ids": made.tokens.tolist(),
            "loss_mask": made.mask.tolist(),
        }
    out = tmp_path / "out.bin"
    assert run(capsys, source, "--out", out, *MASKED)[0] == 0
    tokens = numpy.fromfile(out, "<i4")
    mask = numpy.fromfile(tmp_path / "out.mask", "i1")
    assert tokens.tolist() == [token for made in wanted for token in made.tokens]
    assert mask.tolist() == [counts for made in wanted for counts in made.mask]


def test_what_is_dropped_is_counted(tmp_path: Path, capsys: Any) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.bin"
    source.write_bytes(lines([harmony_row(1), harmony_row(2)]))
    assert run(capsys, source, "--out", out)[1]["dropped"] == 2
    assert run(capsys, source, "--out", out, "--keep-analysis")[1]["dropped"] == 0
    counts = run(capsys, source, "--out", out, "--drop-analysis", "per_turn")[1]
    assert counts["dropped"] == 8


def test_an_unknown_key_is_named_with_its_line(tmp_path: Path, capsys: Any) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = chat_row(1)
    row["messages"][2]["weight"] = 0
    source.write_bytes(lines([chat_row(2), row]))
    status, _, err = run(capsys, source, "--out", out)
    assert status == 1
    assert f"{source}: line 2: messages[2].weight: this key is not known\n" in err
    assert run(capsys, source, "--out", out, "--resume", "--ignore-unknown")[0] == 1
    (tmp_path / "out.jsonl.journal").unlink()
    assert run(capsys, source, "--out", out, "--ignore-unknown")[0] == 0


@pytest.mark.parametrize("name", ["in.jsonl.gz", "in.jsonl.zst", "in.parquet"])
def test_compressed_files_and_tables_are_read(
    name: str, tmp_path: Path, capsys: Any
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    plain, source = tmp_path / "in.jsonl", tmp_path / name
    plain.write_bytes(lines(ROWS))
    if name.endswith(".gz"):
        source.write_bytes(gzip.compress(lines(ROWS)))
    elif name.endswith(".zst"):
        with pa.CompressedOutputStream(str(source), "zstd") as file:
            file.write(lines(ROWS))
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), source)
    for path, out in ((plain, "plain.bin"), (source, "other.bin")):
        assert run(capsys, path, "--out", tmp_path / out, *MASKED)[0] == 0
    for end in ("bin", "idx", "mask"):
        found = (tmp_path / f"other.{end}").read_bytes()
        assert found == (tmp_path / f"plain.{end}").read_bytes()


def test_the_first_line_of_a_compressed_file_may_be_long(
    tmp_path: Path, capsys: Any
) -> None:
    """Longer than what is read at once, and all that there is."""
    source = tmp_path / "in.jsonl.gz"
    said = {"role": "user", "content": "long " * 100_000}
    reply = {"role": "assistant", "channel": "final", "content": "No."}
    line = lines([{"messages": [said, reply]}]).rstrip()
    source.write_bytes(gzip.compress(line))
    status, counts, err = run(capsys, source, "--out", tmp_path / "out.bin")
    assert (status, counts["records"], err) == (0, 1, "")


def test_a_disk_that_fails_is_no_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read1(file: Any, size: int = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "in.gz").write_bytes(gzip.compress(b"{}"))
    monkeypatch.setattr(gzip.GzipFile, "read1", read1)
    with (
        pytest.raises(OSError, match="Input/output error"),
        sources.lines_of(str(tmp_path / "in.gz")) as source,
    ):
        source.read1(9)


def test_a_stream_goes_forward_only(tmp_path: Path) -> None:
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"{}"))
    with sources.lines_of(str(tmp_path / "in.gz")) as source:
        assert not source.seekable()
        with pytest.raises(OSError, match="can't be read from another place"):
            source.seek(0)
        assert source.read1(9) == b"{}"


def test_a_row_of_a_table_with_broken_json_is_a_bad_line(
    tmp_path: Path, capsys: Any
) -> None:
    """It ended the run, whatever ``--on-error`` said."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    source, out = tmp_path / "in.parquet", tmp_path / "out.jsonl"
    text = json.dumps(ROWS[0]["messages"])
    pq.write_table(pa.table({"messages": [text, "[{", text]}), source)
    given = (source, "--out", out, "--on-error", "skip", *MASKED)
    status, counts, err = run(capsys, *given)
    assert (status, counts["records"], counts["skipped"]) == (0, 2, 1)
    assert f"{source}: line 2: messages: expected a list" in err


def test_a_table_may_have_lists_of_json(tmp_path: Path, capsys: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [{k: [json.dumps(item) for item in row[k]] for k in row} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    (tmp_path / "in.jsonl").write_bytes(lines(ROWS))
    for name in ("in.parquet", "in.jsonl"):
        given = (tmp_path / name, "--out", tmp_path / f"{name}.bin")
        assert run(capsys, *given, "--format", "chat", *MASKED)[0] == 0
    found = (tmp_path / "in.parquet.bin").read_bytes()
    assert found == (tmp_path / "in.jsonl.bin").read_bytes()


def test_a_table_with_a_column_of_bytes_is_refused_in_words(
    tmp_path: Path, capsys: Any
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    source = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist([{**ROWS[0], "image": b"x"}]), source)
    status, _, err = run(capsys, source, "--out", tmp_path / "out.jsonl")
    assert status == 1
    assert err.startswith(f"harmony: {source}: a column of values that JSON can't have")


@pytest.mark.parametrize("name", ["in.jsonl.gz", "in.jsonl.zst", "in.parquet"])
def test_a_damaged_file_is_named_and_nothing_left(
    name: str, tmp_path: Path, capsys: Any
) -> None:
    pytest.importorskip("pyarrow")
    source = tmp_path / name
    whole = gzip.compress(lines(ROWS))
    source.write_bytes(whole[:200] if name.endswith(".gz") else b"nothing of it")
    status, _, err = run(capsys, source, "--out", tmp_path / "out.bin")
    assert status == 1
    assert err.startswith(f"harmony: {source}: ") and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


def parquet(*paths: Path) -> list[Any]:
    pq = pytest.importorskip("pyarrow.parquet")
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_one_parquet_file(
    tmp_path: Path, capsys: Any, encoding: HarmonyEncoding
) -> None:
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    source.write_bytes(lines(ROWS))
    assert run(capsys, source, "--out", out, *MASKED)[0] == 0
    assert parquet(out) == [
        {"input_ids": made.tokens.tolist(), "loss_mask": made.mask.tolist()}
        for made in examples(encoding)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.jsonl",
        "out.parquet",
    ]
    source.write_bytes(b"")
    assert run(capsys, source, "--out", out)[0] == 0
    assert parquet(out) == []


def test_shards_are_taken_up_behind_the_last_whole_one(
    tmp_path: Path, capsys: Any
) -> None:
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    options = (source, "--out", f"{out}/", "--shard-size", "200")
    source.write_bytes(lines([harmony_row(i) for i in range(700)]) + BAD)
    status, _, err = run(capsys, *options)
    assert status == 1 and "line 701" in err
    shards = sorted(path.name for path in out.iterdir())
    assert shards and all(name.startswith("part-") for name in shards)
    before = [(out / name).stat().st_mtime_ns for name in shards]
    (out / "part-00009.parquet.unfinished").write_bytes(b"killed")
    good = lines([harmony_row(i) for i in range(700)])
    source.write_bytes(good + GOOD % 1)
    status, counts, _ = run(capsys, *options, "--resume")
    assert (status, counts["records"]) == (0, 701)
    assert before == [(out / name).stat().st_mtime_ns for name in shards]
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"part-{i:05}.parquet" for i in range(len(names))]
    single = tmp_path / "single.parquet"
    assert run(capsys, source, "--out", single)[0] == 0
    assert parquet(*(out / name for name in names)) == parquet(single)
    assert run(capsys, *options, "--resume")[2].endswith("nothing to resume\n")
    assert run(capsys, *options)[1]["records"] == 701


def test_shards_are_written_beside_what_else_is_in_the_folder(
    tmp_path: Path, capsys: Any
) -> None:
    """And the last one is not followed by an empty one."""
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    options = (source, "--out", out, "--shard-size", "1")
    source.write_bytes(lines([harmony_row(1)]))
    out.mkdir()
    (out / "notes.txt").write_bytes(b"mine")
    for _ in range(2):
        assert run(capsys, *options)[0] == 0
        names = sorted(path.name for path in out.iterdir())
        assert names == ["notes.txt", "part-00000.parquet"]
    assert len(parquet(out / "part-00000.parquet")) == 1


def test_a_run_that_made_no_shard_leaves_no_folder(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(BAD)
    assert run(capsys, source, "--out", out, "--shard-size", "9")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_what_a_killed_run_left_of_a_file_is_removed(
    tmp_path: Path, capsys: Any
) -> None:
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    source.write_bytes(BAD)
    (tmp_path / "out.parquet.unfinished").write_bytes(b"killed")
    assert run(capsys, source, "--out", out)[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_shard_is_not_rendered_into_its_own_folder(
    tmp_path: Path, capsys: Any
) -> None:
    """It was removed with the other shards that were there."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    source = tmp_path / "part-00000.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), source)
    before = source.read_bytes()
    status, _, err = run(capsys, source, "--out", tmp_path, "--shard-size", "9")
    assert (status, err) == (1, f"harmony: {source}: it is in the folder of --out\n")
    assert source.read_bytes() == before


@posix
def test_a_shard_that_is_gone_is_missed(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(lines([harmony_row(i) for i in range(300)]) + BAD)
    options = (source, "--out", out, "--shard-size", "100")
    assert run(capsys, *options)[0] == 1
    (out / "part-00000.parquet").unlink()
    status, _, err = run(capsys, *options, "--resume")
    assert status == 1
    assert err == f"harmony: {out / 'part-00000.parquet'} is not there any more\n"


# Several files


def test_several_files_and_folders_are_taken_as_one(
    tmp_path: Path, capsys: Any
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    whole, folder = tmp_path / "whole.jsonl", tmp_path / "in"
    folder.mkdir()
    whole.write_bytes(lines(ROWS))
    pq.write_table(pa.Table.from_pylist(ROWS[20:]), folder / "b.parquet")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS[10:20]).rstrip()))
    (folder / "notes.txt").write_bytes(b"nothing")
    first, empty = tmp_path / "first.jsonl", tmp_path / "empty.jsonl"
    first.write_bytes(lines(ROWS[:10]).rstrip())
    empty.write_bytes(b"")
    given = (first, empty, folder, "--out", tmp_path / "parts.bin", *MASKED)
    status, counts, err = run(capsys, *given)
    assert (status, counts["records"]) == (0, 30)
    assert err == f"harmony: {first}: lines are chats (--format chat)\n"
    assert run(capsys, whole, "--out", tmp_path / "whole.bin", *MASKED)[0] == 0
    for end in ("bin", "idx", "mask"):
        found = (tmp_path / f"parts.{end}").read_bytes()
        assert found == (tmp_path / f"whole.{end}").read_bytes()


def test_a_bad_line_of_several_files_is_named_with_its_own(
    tmp_path: Path, capsys: Any
) -> None:
    names = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    for path, data in zip(
        names, (GOOD % 1 + GOOD % 2, GOOD % 3 + BAD, BAD), strict=True
    ):
        path.write_bytes(data)
    given = (*names, "--out", tmp_path / "out.bin")
    status, _, err = run(capsys, *given)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"harmony: {names[1]}: line 2: messages[0].role: ")
    names[1].write_bytes(GOOD % 3 + GOOD % 4)
    status, counts, err = run(capsys, *given, "--resume", "--on-error", "skip")
    assert (status, counts["records"], counts["skipped"]) == (0, 4, 1)
    assert err.startswith(f"harmony: {names[2]}: line 1: ")
    assert run(capsys, names[0], "--out", tmp_path / "two.bin")[1]["records"] == 2


def test_a_file_of_several_that_is_missing_or_damaged_is_named(
    tmp_path: Path, capsys: Any
) -> None:
    good, out = tmp_path / "a.jsonl", tmp_path / "out.bin"
    good.write_bytes(GOOD % 1)
    missing, damaged = tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"
    damaged.write_bytes(b"nothing of it")
    status, _, err = run(capsys, good, missing, "--out", out)
    assert (status, err) == (1, f"harmony: {missing}: No such file or directory\n")
    status, _, err = run(capsys, good, damaged, "--out", out)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"harmony: {damaged}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "c.jsonl.gz"]
    status, _, err = run(capsys, good, out, "--out", out)
    assert (status, err) == (1, f"harmony: {out}: No such file or directory\n")
    out.write_bytes(b"1234")
    status, _, err = run(capsys, good, out, "--out", out)
    assert err == f"harmony: {out}: --out would write over it, to {out}\n"


def test_several_files_are_for_many_conversations(capsys: Any) -> None:
    for more in ([], ["--jsonl", "--out", "y", "--engine", "ray"]):
        with pytest.raises(SystemExit):
            main(["render", "a", "b", *more])
        assert "there can be one FILE only" in capsys.readouterr().err
