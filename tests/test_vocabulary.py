"""Which vocabulary is read, and what is said of one that is not usable."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import harmony
from harmony import (
    HarmonyEncoding,
    HarmonyEncodingName,
    HarmonyError,
    VocabularyError,
    load_harmony_encoding,
    vocabulary,
)
from harmony import encoding as encoding_module
from harmony.vocabulary import FILE_NAME, FOLDER_VARIABLE, SHA256
from support import ROOT

PACKAGED = Path(vocabulary.PACKAGED)

TEXT = "Naïve café's 12345 数学 😀\n\n  def f(x): return x\n"


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test load anew, and keep the environment out of it."""
    monkeypatch.setattr(encoding_module, "_loaded", {})
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


# Which file


def test_the_packaged_file_is_read_by_default() -> None:
    assert str(PACKAGED) in repr(load_harmony_encoding("HarmonyGptOss"))


def test_the_folder_in_the_environment_comes_before_the_packaged_file(
    tiktoken_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tiktoken_file.parent))
    assert str(tiktoken_file) in repr(load_harmony_encoding("HarmonyGptOss"))
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert str(PACKAGED) in repr(load_harmony_encoding("HarmonyGptOss"))


def test_an_explicit_path_comes_before_the_environment(
    tiktoken_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nowhere"))
    for path in (tiktoken_file, str(tiktoken_file), PACKAGED):
        encoding = load_harmony_encoding("HarmonyGptOss", vocabulary=path)
        assert str(path) in repr(encoding)


def test_a_folder_without_the_file_is_an_error_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(VocabularyError) as caught:
        load_harmony_encoding("HarmonyGptOss")
    assert str(caught.value) == (
        f"{tmp_path / FILE_NAME}: can't read the vocabulary: No such file or directory"
    )


def test_both_kinds_of_file_give_the_same_tokens(tiktoken_file: Path) -> None:
    packaged = load_harmony_encoding("HarmonyGptOss")
    other = load_harmony_encoding("HarmonyGptOss", vocabulary=tiktoken_file)
    assert other is not packaged
    assert packaged.name == other.name == "HarmonyGptOss"
    assert packaged.encode(TEXT) == other.encode(TEXT)
    for token in range(201_089):
        assert packaged.decode_bytes([token]) == other.decode_bytes([token])
    for path in sorted(Path(harmony.__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8") + TEXT * 3 + path.name * 99
        tokens = packaged.encode(source, disallowed_special=())
        assert tokens == other.encode(source, disallowed_special=())


def test_a_tiktoken_file_may_have_other_line_ends_but_is_then_another_file(
    tiktoken_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(tiktoken_file.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(VocabularyError, match="altered, or another vocabulary"):
        load_harmony_encoding("HarmonyGptOss", vocabulary=path)


# Loading


def test_the_second_load_gives_the_same_object(
    tiktoken_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_harmony_encoding("HarmonyGptOss")
    assert load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS) is first
    assert load_harmony_encoding("HarmonyGptOss", vocabulary=PACKAGED) is first
    other = load_harmony_encoding("HarmonyGptOss", vocabulary=tiktoken_file)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tiktoken_file.parent))
    assert load_harmony_encoding("HarmonyGptOss") is other is not first


def test_threads_that_load_at_once_get_the_same_object() -> None:
    """It used to be that each got one of its own."""
    for _ in range(3):
        encoding_module._loaded.clear()
        with ThreadPoolExecutor(8) as pool:
            names = ["HarmonyGptOss"] * 8
            assert len(set(map(id, pool.map(load_harmony_encoding, names)))) == 1


def test_a_failed_load_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "o200k_base.vocabulary"
    with pytest.raises(VocabularyError):
        load_harmony_encoding("HarmonyGptOss", vocabulary=path)
    shutil.copyfile(PACKAGED, path)
    encoding = load_harmony_encoding("HarmonyGptOss", vocabulary=path)
    assert encoding.encode("hello world") == [24912, 2375]


@pytest.mark.parametrize("name", ["o200k_base", "harmonygptoss", "", None, 5, [], {}])
def test_an_unknown_name_is_refused_with_the_known_ones(name: object) -> None:
    with pytest.raises(ValueError) as caught:
        load_harmony_encoding(name)  # type: ignore[arg-type]
    assert str(caught.value) == f"unknown encoding {name!r} (known: HarmonyGptOss)"
    assert not isinstance(caught.value, HarmonyError)


# Files that are not usable


def compact(data: bytes, *, count: int | None = None, checked: bytes = b"") -> bytes:
    """Return the packaged file with other contents, and a checksum that is right."""
    checked = checked or data[16:]
    if count is None:
        count = (len(checked) - 32) // 6
    return struct.pack("<8sII", b"harmvoc1", count, zlib.crc32(checked)) + checked


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def replaced(data: bytes, line: int, by: bytes) -> bytes:
    lines = data.split(b"\n")
    lines[line] = by
    return b"\n".join(lines)


def swapped(data: bytes) -> bytes:
    lines = data.split(b"\n")
    first, second = lines[1000].split(), lines[1001].split()
    lines[1000], lines[1001] = (
        b" ".join([first[0], second[1]]),
        b" ".join([second[0], first[1]]),
    )
    return b"\n".join(lines)


COMPACT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut in its header": (lambda d: d[:30], "truncated: it ends inside its header"),
    "cut in its entries": (
        lambda d: d[:-100],
        "truncated: it has 1199936 bytes, its header says 1200036",
    ),
    "a byte too long": (
        lambda d: d + b"\0",
        "altered: it has 1200037 bytes, its header says 1200036",
    ),
    "an entry altered": (
        lambda d: flipped(d, 5000),
        "altered: its checksum is not that of its contents",
    ),
    "its SHA-256 altered": (
        lambda d: flipped(d, 20),
        "altered: its checksum is not that of its contents",
    ),
    "its checksum altered": (
        lambda d: flipped(d, 13),
        "altered: its checksum is not that of its contents",
    ),
    "its number of tokens altered": (lambda d: flipped(d, 9), "its header says"),
    "of another vocabulary": (
        lambda d: compact(flipped(d, 20)),
        f"that of {FILE_NAME} is {SHA256}",
    ),
    "with fewer tokens": (
        lambda d: compact(d[:-6]),
        "another vocabulary: it has 199997 tokens, o200k_harmony has 199998",
    ),
    "merging from a higher rank": (
        lambda d: compact(d[:-6] + b"\xfe\xff\x1f\0\0\0"),
        "not a vocabulary: rank 199997 is neither one byte nor a merge of two lower",
    ),
    "without tokens": (
        lambda d: compact(d, checked=d[16:48]),
        "not a vocabulary: it has no token for byte 0",
    ),
}
TIKTOKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda d: b"", "not a vocabulary: it has no token for byte 0"),
    "cut behind a line": (
        lambda d: d[: d.rindex(b"\n", 0, -1) + 1],
        "another vocabulary: it has 199997 tokens, o200k_harmony has 199998",
    ),
    "cut in a line": (
        lambda d: d[: d.rindex(b" ")],
        'not a vocabulary: line 199998 is not "BASE64 RANK"',
    ),
    "half of it": (lambda d: d[: len(d) // 2], "vocabulary: "),
    "a line that is no BASE64": (
        lambda d: replaced(d, 6, b"*!*= 6"),
        'not a vocabulary: line 7 is not "BASE64 RANK"',
    ),
    "a line without rank": (
        lambda d: replaced(d, 6, b"IQ=="),
        'not a vocabulary: line 7 is not "BASE64 RANK"',
    ),
    "a rank twice": (
        lambda d: replaced(d, 300, d.split(b"\n")[299]),
        "not a vocabulary: line 301 repeats a rank",
    ),
    "a token twice": (
        lambda d: replaced(d, 300, d.split(b"\n")[299].split()[0] + b" 300"),
        "not a vocabulary",
    ),
    "a token altered": (
        lambda d: replaced(d, 199_990, b"AAAAAAAAAAAAAAAAAAAAAAAA 199990"),
        "altered, or another vocabulary: its SHA-256 is",
    ),
    "two tokens swapped": (swapped, "vocabulary"),
    "text": (
        lambda d: b"This is no vocabulary.\n",
        'not a vocabulary: line 1 is not "BASE64 RANK"',
    ),
    "HTML": (lambda d: b"<html>404</html>", 'line 1 is not "BASE64 RANK"'),
    "zeros": (lambda d: b"\0" * 1000, 'line 1 is not "BASE64 RANK"'),
    "an executable": (
        lambda d: Path(sys.executable).read_bytes()[:100_000],
        "not a vocabulary: line 1 is not",
    ),
    "a Git LFS pointer": (
        lambda d: b"version https://git-lfs.github.com/spec/v1\noid sha256:44\n",
        'not a vocabulary: line 1 is not "BASE64 RANK"',
    ),
}


def assert_refused(path: Path, complaint: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        load_harmony_encoding("HarmonyGptOss", vocabulary=path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert complaint in message
    assert "\n" not in message


@pytest.mark.parametrize("name", COMPACT)
def test_a_damaged_compact_file_is_refused(name: str, tmp_path: Path) -> None:
    change, complaint = COMPACT[name]
    path = tmp_path / "a vocabulary"
    path.write_bytes(change(PACKAGED.read_bytes()))
    assert_refused(path, complaint)


@pytest.mark.parametrize("name", TIKTOKEN)
def test_a_damaged_tiktoken_file_is_refused(
    name: str, tiktoken_file: Path, tmp_path: Path
) -> None:
    change, complaint = TIKTOKEN[name]
    path = tmp_path / "a vocabulary"
    path.write_bytes(change(tiktoken_file.read_bytes()))
    assert_refused(path, complaint)


def test_a_path_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "missing", "can't read the vocabulary: No such file")
    assert_refused(tmp_path / "x" / "y", "can't read the vocabulary: No such file")
    assert_refused(tmp_path / ("x" * 5000), "can't read the vocabulary: File name too")
    if os.name == "posix":
        assert_refused(tmp_path, "can't read the vocabulary: Is a directory")
        loop = tmp_path / "loop"
        loop.symlink_to(loop)
        assert_refused(loop, "can't read the vocabulary: Too many levels of symbolic")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    shutil.copyfile(PACKAGED, path)
    path.chmod(0)
    assert_refused(path, "can't read the vocabulary: Permission denied")


# The packaged file and the generators


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, cwd=ROOT
    )


@pytest.mark.slow
def test_the_packaged_file_is_made_from_the_tiktoken_file(tiktoken_file: Path) -> None:
    done = run("csrc/make_vocabulary.py", tiktoken_file, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_making_the_packaged_file_from_another_vocabulary_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"IQ== 0\n")
    done = run("csrc/make_vocabulary.py", path, "--check")
    assert done.returncode == 1
    assert SHA256 in done.stderr


def test_the_unicode_tables_are_what_their_generator_writes() -> None:
    done = run("csrc/make_unicode_tables.py", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_packaged_file_is_at_most_two_megabytes() -> None:
    assert PACKAGED.stat().st_size <= 2_000_000


# Without what a machine usually has


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "unwritable"
    path.mkdir(mode=0o500)
    yield path
    path.chmod(0o700)


def test_loading_needs_no_network_no_home_and_writes_nothing(unwritable: Path) -> None:
    code = """if True:
        import os, sys
        def refuse(event, arguments):
            writes = event == "open" and not isinstance(arguments[0], int) and (
                any(c in (arguments[1] or "") for c in "wax+")
                or (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if writes or event.split(".")[0] in ("socket", "subprocess", "urllib"):
                raise SystemExit(f"{event} {arguments}")
        sys.dont_write_bytecode = True
        sys.addaudithook(refuse)
        import harmony
        encoding = harmony.load_harmony_encoding("HarmonyGptOss")
        assert encoding.encode("hello world") == [24912, 2375]
        print("done")
    """
    nowhere = {name: str(unwritable) for name in ("TMPDIR", "TEMP", "TMP")}
    kept = {k: v for k, v in os.environ.items() if k in ("SYSTEMROOT", "PATH")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **nowhere, "HOME": "/nonexistent", "USERPROFILE": "/nonexistent"},
        cwd=unwritable,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert list(unwritable.iterdir()) == []


def test_without_the_extension_the_import_says_how_to_build_it(tmp_path: Path) -> None:
    source = Path(harmony.__file__).parent
    shutil.copytree(
        source,
        tmp_path / "harmony",
        ignore=shutil.ignore_patterns("_ffi*", "__pycache__"),
    )
    code = f"""if True:
        import sys
        # The finder of an editable install would find the extension where it is.
        sys.meta_path[:] = [f for f in sys.meta_path if "Editable" not in repr(f)]
        sys.path.insert(0, {str(tmp_path)!r})
        from harmony import load_harmony_encoding
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: the C extension of harmony")
    assert f"is not built in {tmp_path / 'harmony' / '_native'}" in last
    assert "C compiler" in last
    assert "start Python in another folder" in last


def test_an_extension_that_can_not_be_imported_is_said_to_be_missing() -> None:
    code = "import sys; sys.modules['harmony._native._ffi'] = None"
    done = run("-c", code + "; from harmony import load_harmony_encoding")
    assert done.returncode == 1
    assert "ModuleNotFoundError: the C extension of harmony is not" in done.stderr


def test_without_cffi_the_import_says_so() -> None:
    """It used to say that the extension was not built."""
    code = "import sys; sys.modules['_cffi_backend'] = None"
    code += "; from harmony import load_harmony_encoding"
    done = run("-c", code)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "_cffi_backend" in last
    assert "not built" not in last


def test_an_encoding_shows_where_it_is_from() -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    assert isinstance(encoding, HarmonyEncoding)
    assert repr(encoding) == f"<HarmonyEncoding 'HarmonyGptOss' from {str(PACKAGED)!r}>"


def test_a_name_of_an_encoding_prints_as_it_is() -> None:
    assert f"{HarmonyEncodingName.HARMONY_GPT_OSS}" == "HarmonyGptOss"
    assert str(HarmonyEncodingName.HARMONY_GPT_OSS) == "HarmonyGptOss"
