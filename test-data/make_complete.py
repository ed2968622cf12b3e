"""Write complete_typescript.txt: where complete TypeScript differs, both texts.

The schemas are those of typescript.jsonl. Whether the reference's text is valid is
asked of the TypeScript compiler, so this needs npm:

    python test-data/make_complete.py            # write
    python test-data/make_complete.py --check    # only compare; exit 1 if different
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "tests")]

from support.compiler import complaints  # noqa: E402
from support.typed import namespace  # noqa: E402

HEAD = """\
Where complete TypeScript differs from the reference's. Of the {all} cases in
typescript.jsonl {same} have the same text in both, {other} do not. The reference's text
is no valid TypeScript in {invalid} of these; in the rest it says less than the schema,
or something else.
"""


def differing() -> tuple[list[tuple[dict[str, object], str]], int]:
    """Return the cases that differ, with the complete text, and how many there are."""
    cases = (FOLDER / "typescript.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    found = []
    for case in map(json.loads, cases):
        text = namespace(case["schema"])
        if text != f"type f = (_: {case['typescript']}) => any;":
            found.append((case, text))
    return found, len(cases)


def main() -> int:
    """Write the file again, or compare."""
    path = FOLDER / "complete_typescript.txt"
    cases, count = differing()
    known = [f"type f = (_: {case['typescript']}) => any;" for case, _ in cases]
    invalid = complaints(known)
    other = len(cases)
    counts = {"all": count, "same": count - other, "other": other}
    parts = [HEAD.format(**counts, invalid=len(invalid))]
    for number, (case, text) in enumerate(cases):
        schema = json.dumps(case["schema"], ensure_ascii=False)
        state = (
            "no valid TypeScript"
            if number in invalid
            else "says less, or something else"
        )
        parts.append(
            f"\n== {case['why']}\n{schema}\n"
            f"-- reference: {state}\n{known[number]}\n-- complete\n{text}\n"
        )
    after = "".join(parts)
    if "--check" in sys.argv[1:]:
        return int(after.encode() != path.read_bytes())
    path.write_bytes(after.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
