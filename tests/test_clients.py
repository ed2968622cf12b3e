"""The comparison of clients' suites, and the reference's own suite where it is.

``HARMONY_REFERENCE_TREE`` names a source tree of openai/harmony, as CI has it.
"""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec
from pathlib import Path

import pytest

from clients import __main__ as command
from clients import stand_ins_sglang
from clients.suites import (
    SUITES,
    Suite,
    check_side,
    differences,
    environment,
    read_report,
    run_suite,
    table,
)

TREE = "HARMONY_REFERENCE_TREE"


def test_the_suite_of_the_reference_passes() -> None:
    if TREE not in os.environ:
        pytest.skip(f"{TREE} names no tree")
    tree = Path(os.environ[TREE])
    outcome = run_suite(SUITES["harmony"], tree, sys.executable, "harmony", 600)
    assert {name for name, status in outcome.items() if status != "passed"} == set()
    assert len(outcome) == 42


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A client with a test of each outcome."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest, openai_harmony\n"
        "@pytest.fixture\n"
        "def broken(): raise ValueError\n"
        "def test_ours(): assert openai_harmony.WarningKind\n"
        "def test_failed(): assert not openai_harmony\n"
        "def test_error(broken): pass\n"
        "def test_skipped(): pytest.skip('here')\n"
    )
    (tmp_path / "tests" / "test_not_one.py").write_text("import no_such_module\n")
    return tmp_path


def test_a_suite_is_run_on_harmony(tree: Path) -> None:
    outcome = run_suite(Suite(("tests", "gone")), tree, sys.executable, "harmony", 300)
    assert {name.rpartition("::")[2]: status for name, status in outcome.items()} == {
        "test_ours": "passed",
        "test_failed": "failed",
        "test_error": "failed",
        "test_skipped": "skipped",
        "tests.test_not_one": "failed",
    }


def test_a_tree_without_the_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has none of tests"):
        run_suite(SUITES["harmony"], tmp_path, sys.executable, "harmony", 9)


def test_it_is_made_sure_that_the_module_is_that_of_the_side() -> None:
    check_side(sys.executable, "harmony")
    assert str(Path("compat")) not in environment("reference")["PYTHONPATH"]
    with pytest.raises(RuntimeError, match="no openai_harmony for 'harmony'"):
        check_side("true", "harmony")


def test_a_test_that_fails_at_its_end_has_failed(tmp_path: Path) -> None:
    """pytest then reports it twice."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuite><testcase classname="a" name="b"><error/></testcase>'
        '<testcase classname="a" name="b"/></testsuite>'
    )
    assert read_report(report) == {"a::b": "failed"}


def test_torchvision_has_every_name_and_nothing_else_is_found() -> None:
    finder = stand_ins_sglang.Finder()
    assert finder.find_spec("torch", None) is None
    spec = finder.find_spec("torchvision.io", None)
    assert spec
    module = module_from_spec(spec)
    module.decode_jpeg(b"")
    assert not hasattr(module, "__wrapped__")


THEIRS = {"a::x": "passed", "a::y": "passed", "a::z": "failed", "a::s": "skipped"}
OURS = {"a::x": "passed", "a::y": "failed", "a::z": "passed", "a::t": "passed"}


def test_each_difference_is_named() -> None:
    assert differences(THEIRS, OURS) == [
        "a::s: skipped on openai-harmony, not run on harmony",
        "a::t: not run on openai-harmony, passed on harmony",
        "a::y: passed on openai-harmony, failed on harmony",
        "a::z: failed on openai-harmony, passed on harmony",
    ]
    assert differences(THEIRS, THEIRS) == []


def test_the_table_counts() -> None:
    row = table({"it": (THEIRS, OURS)}).splitlines()[-1]
    assert row == "| it | 5 | 2 | 3 | 4 |"


@pytest.mark.parametrize(("worse", "status"), [("failed", 1), ("passed", 0)])
def test_the_command_says_whether_anything_got_worse(
    worse: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = {"reference": THEIRS, "harmony": {**OURS, "a::y": worse}}
    monkeypatch.setattr(command, "run_suite", lambda *args: outcomes[args[3]])
    monkeypatch.setattr(sys, "argv", ["clients", "vllm=somewhere"])
    assert command.main() == status
    out = capsys.readouterr().out
    assert "| vllm | 5 |" in out and "vllm: a::z: failed on" in out


def test_the_command_refuses_an_unknown_client(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["clients", "other=somewhere"])
    with pytest.raises(SystemExit):
        command.main()
    assert "unknown: other (known: harmony, gpt-oss" in capsys.readouterr().err
