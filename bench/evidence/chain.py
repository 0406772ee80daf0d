"""The chain over a trace: each line's hash covers the hash before it, so a head names a history.

`h(0)` is the SHA-256 of a fixed text, `h(n)` that of `h(n-1)` followed by line n with its newline.
Whoever knows the head knows whether any line was changed, dropped, added or moved.
"""

from __future__ import annotations

import hashlib
import io
from typing import Final

_START: Final = hashlib.sha256(b"smets1-bench trace chain 1\n").digest()


class Chain:
    """A chain that grows line by line."""

    __slots__ = ("_head", "length")

    def __init__(self) -> None:
        self._head = _START
        self.length = 0

    def add(self, line: bytes) -> None:
        """Takes the next line, with its newline."""
        self._head = hashlib.sha256(self._head + line).digest()
        self.length += 1

    @property
    def head(self) -> str:
        """64 hex digits."""
        return self._head.hex()


def heads(trace: bytes) -> list[str]:
    """The head after each line; a last line without newline counts as one."""
    chain = Chain()
    found = []
    for line in io.BytesIO(trace):
        chain.add(line)
        found.append(chain.head)
    return found


def head_of(trace: bytes) -> str:
    return (heads(trace) or [Chain().head])[-1]


def chain_text(trace: bytes) -> bytes:
    """The file `trace.chain`: one head a line, beside the trace's lines."""
    return "".join(f"{head}\n" for head in heads(trace)).encode()
