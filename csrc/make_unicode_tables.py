"""Write csrc/unicode_tables.inc: the class of every code point, Unicode 16.0.

Run it with the PyPI package ``unicodedata2==16.0.0`` installed::

    python csrc/make_unicode_tables.py            # writes the file
    python csrc/make_unicode_tables.py --check    # compares, exit 1 if it differs

The o200k pattern asks only for a few groups of general categories, so a code
point gets one of eight classes. The table has two stages: the high bits of a
code point choose a block, the low bits an entry in it; equal blocks are stored
once.
"""

import sys
from pathlib import Path

import unicodedata2

TARGET = Path(__file__).with_name("unicode_tables.inc")
UNICODE_VERSION = "16.0.0"
CODE_POINTS = 0x110000
BLOCK_SIZE = 128

# In the order of `enum hm_class` in unicode.h.
OTHER, UPPER, LOWER, LETTER, MARK, NUMBER, SPACE, NEWLINE = range(8)
CLASS_OF_CATEGORY = {
    "Lu": UPPER,
    "Lt": UPPER,
    "Ll": LOWER,
    "Lm": LETTER,
    "Lo": LETTER,
    "Mn": MARK,
    "Mc": MARK,
    "Me": MARK,
    "Nd": NUMBER,
    "Nl": NUMBER,
    "No": NUMBER,
}
# The property White_Space, which unicodedata2 does not offer.
WHITE_SPACE = {
    *range(0x09, 0x0E),
    0x20,
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
}


def class_of(code_point: int) -> int:
    """Return the class of one code point, a number from 0 to 7."""
    character = chr(code_point)
    if character in "\r\n":
        return NEWLINE
    if code_point in WHITE_SPACE:
        return SPACE
    return CLASS_OF_CATEGORY.get(unicodedata2.category(character), OTHER)


def blocks() -> tuple[list[int], list[bytes]]:
    """Return the number of the block of each stretch, and the distinct blocks."""
    numbers: list[int] = []
    distinct: dict[bytes, int] = {}
    for start in range(0, CODE_POINTS, BLOCK_SIZE):
        block = bytes(class_of(start + i) for i in range(BLOCK_SIZE))
        numbers.append(distinct.setdefault(block, len(distinct)))
    return numbers, list(distinct)


def c_rows(values: list[int]) -> str:
    """Return numbers as lines of a C initializer."""
    width = 24
    rows = (values[i : i + width] for i in range(0, len(values), width))
    return "\n".join("    " + ",".join(map(str, row)) + "," for row in rows)


def tables() -> str:
    """Return the text of unicode_tables.inc."""
    numbers, distinct = blocks()
    if len(distinct) > 256:
        raise SystemExit("more than 256 distinct blocks: use another BLOCK_SIZE")
    entries = [entry for block in distinct for entry in block]
    return f"""\
/* Written by make_unicode_tables.py from Unicode {UNICODE_VERSION}. Do not edit. */

const uint8_t hm_block_of[{len(numbers)}] = {{
{c_rows(numbers)}
}};

const uint8_t hm_class_in_block[{len(entries)}] = {{
{c_rows(entries)}
}};
"""


def main() -> int:
    """Write the file, or with --check compare it with what would be written."""
    if unicodedata2.unidata_version != UNICODE_VERSION:
        raise SystemExit(
            f"unicodedata2 has Unicode {unicodedata2.unidata_version}, "
            f"not {UNICODE_VERSION}: pip install unicodedata2=={UNICODE_VERSION}"
        )
    text = tables()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="ascii")
        return 0
    if TARGET.read_text(encoding="ascii") != text:
        print(f"{TARGET.name} is not what {Path(__file__).name} writes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
