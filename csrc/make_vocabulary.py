"""Write harmony/data/o200k_base.vocabulary from o200k_base.tiktoken.

The compact file says the same as the .tiktoken file in a third of its size: a
token is the merge of two earlier ones, so two ranks name its bytes. Its format
is described in csrc/vocabulary.h. Only the standard library is needed::

    python csrc/make_vocabulary.py o200k_base.tiktoken
    python csrc/make_vocabulary.py o200k_base.tiktoken --check

With ``--check`` nothing is written: the exit status is 1 if the file in
harmony/data/ is not what would be written.
"""

import base64
import hashlib
import itertools
import struct
import sys
import zlib
from pathlib import Path

TARGET = Path(__file__).parents[1] / "harmony/data/o200k_base.vocabulary"
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
SINGLE_BYTE = 0xFFFFFF


def read_tiktoken(data: bytes) -> list[bytes]:
    """Return the tokens of a .tiktoken file by rank."""
    pairs = (line.split() for line in data.splitlines())
    ranks = {int(rank): base64.b64decode(token) for token, rank in pairs}
    return [ranks[rank] for rank in range(len(ranks))]


def last_merge(token: bytes, ranks: dict[bytes, int]) -> tuple[int, int]:
    """Return the ranks of the two tokens that merge into a token of 2+ bytes.

    Its bytes are merged like those of any piece, up to the last merge.
    """
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [a + b for a, b in itertools.pairwise(parts)]
        at = min(range(len(pairs)), key=lambda i: ranks.get(pairs[i], len(ranks)))
        if pairs[at] not in ranks:
            raise SystemExit(f"nothing merges into {token!r}")
        parts[at : at + 2] = [pairs[at]]
    left, right = parts
    return ranks[left], ranks[right]


def compact(data: bytes) -> bytes:
    """Return the compact form of a .tiktoken file."""
    tokens = read_tiktoken(data)
    ranks = {token: rank for rank, token in enumerate(tokens)}
    entries = bytearray()
    for rank, token in enumerate(tokens):
        single = len(token) == 1
        left, right = (token[0], SINGLE_BYTE) if single else last_merge(token, ranks)
        if not single and max(left, right) >= rank:
            raise SystemExit(f"rank {rank} merges from a higher one")
        entries += left.to_bytes(3, "little") + right.to_bytes(3, "little")
    checked = hashlib.sha256(data).digest() + entries
    return struct.pack("<8sII", b"harmvoc1", len(tokens), zlib.crc32(checked)) + checked


def main() -> int:
    """Write the file, or compare it with what would be written."""
    source = Path(sys.argv[1]).read_bytes()
    found = hashlib.sha256(source).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{sys.argv[1]} has sha256 {found}, not {SHA256}")
    data = compact(source)
    if "--check" not in sys.argv[2:]:
        TARGET.write_bytes(data)
        return 0
    if TARGET.read_bytes() != data:
        print(f"{TARGET} is not what {Path(__file__).name} writes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
