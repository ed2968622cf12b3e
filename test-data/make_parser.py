"""Write the logs in parser.txt again, as our own parser gives them.

Titles and inputs are written by hand. Read the difference before it is committed::

    python test-data/make_parser.py            # write
    python test-data/make_parser.py --check    # only compare; exit 1 if different
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests")]

from harmony import load_harmony_encoding  # noqa: E402
from support import parser_log  # noqa: E402


def main() -> int:
    """Write the file again, or compare."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    before = parser_log.FILE.read_text(encoding="utf-8")
    blocks = parser_log.read(before)
    for block in blocks:
        block.log = parser_log.log(block, encoding)
    after = parser_log.write(blocks)
    if "--check" in sys.argv[1:]:
        return int(after != before)
    parser_log.FILE.write_text(after, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
