"""``harmony doctor``."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import harmony
from harmony import _native
from harmony.cli import doctor
from support.command import Run, text


def lines(report: str) -> dict[str, str]:
    return {line[:16].rstrip(): line[16:] for line in report.splitlines()}


def test_doctor_says_what_is_in_use(run: Run) -> None:
    found = lines(text(run("doctor")))
    assert found["harmony"].startswith(f"{harmony.__version__}, ")
    assert Path(found["harmony"].split(", ")[1]) == Path(harmony.__file__).parent
    assert found["vocabulary"].endswith("o200k_base.vocabulary (in the package)")
    here = "cffi" if _native.EXTENSION is None else "methods in C, and cffi"
    assert found["binding"] == here
    assert found["check"] == "a text, a prompt and a broken reply are right"


def test_doctor_names_a_vocabulary_from_elsewhere(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(tmp_path))
    assert doctor._vocabulary() == (
        f"o200k_harmony, {tmp_path / 'o200k_base.tiktoken'} "
        "(as TIKTOKEN_ENCODINGS_BASE says)"
    )
    result = run("doctor")
    assert (result.status, result.out) == (1, b"")
    assert "o200k_base.tiktoken: can't read the vocabulary" in result.err


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    def version(name: str) -> str:
        if name.replace("-", "_") not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name.replace("-", "_")]

    monkeypatch.setattr(metadata, "version", version)


def test_doctor_names_extras(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, orjson="3.11.4")
    found = lines(text(run("doctor")))
    assert found["orjson"] == "3.11.4 (faster JSON)"
    assert found["rich"] == "not installed (harmony show in colour)"


def test_doctor_says_who_answers_as_openai_harmony(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    installed(monkeypatch)
    nobody = "not here; harmony.compat.install() gives it to a process"
    assert lines(text(run("doctor")))["openai_harmony"] == nobody
    module = tmp_path / "openai_harmony.py"
    module.touch()
    somebody = f"of no distribution, {module}"
    assert lines(text(run("doctor")))["openai_harmony"] == somebody
    installed(monkeypatch, openai_harmony="0.0.8", harmony_format_compat="0.1.0")
    assert lines(text(run("doctor")))["openai_harmony"] == (
        f"openai-harmony 0.0.8, harmony-format-compat 0.1.0, {module}; "
        "only one of these should be installed: they overwrite each other"
    )


def test_what_fails_is_named_behind_the_report(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROMPT", "another")
    result = run("doctor")
    assert (result.status, result.out) == (1, b"")
    report, complaint = result.err.split("harmony: doctor: ")
    assert report.startswith("harmony         ") and "\ncheck" not in report
    shown = "'<|start|>user<|message|>Hi<|end|><|start|>assistant'"
    assert complaint == f"a prompt: {shown}, where 'another' is right\n"


@pytest.mark.reference
def test_what_is_known_by_heart_is_what_the_reference_gives(
    reference: Any,
) -> None:
    assert reference.encoding.encode(doctor.TEXT) == doctor.TOKENS
