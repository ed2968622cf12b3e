"""Make the expected text in typescript.jsonl again, by asking the reference.

Each line holds a schema and why it is there; those two are written by hand. Run with
a Python that has openai-harmony 0.0.8, and TIKTOKEN_ENCODINGS_BASE set to the folder
of o200k_base.tiktoken:

    python test-data/make_typescript.py            # write
    python test-data/make_typescript.py --check    # only compare; exit 1 if different
"""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "tests")]

from test_typescript import reference_typescript  # noqa: E402


def main() -> int:
    """Write the file again, or compare."""
    path = FOLDER / "typescript.jsonl"
    before = path.read_text(encoding="utf-8")
    module = importlib.import_module("openai_harmony")
    encoding = module.load_harmony_encoding(module.HarmonyEncodingName.HARMONY_GPT_OSS)
    reference = SimpleNamespace(module=module, encoding=encoding)
    after = ""
    for line in before.split("\n")[:-1]:
        case = json.loads(line)
        case["typescript"] = reference_typescript(reference, case["schema"])
        after += json.dumps(case, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        return int(after != before)
    path.write_text(after, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
