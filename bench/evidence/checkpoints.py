"""Checkpoints: now and then a long run writes down how far its trace is, and signs it.

Each names the number of lines and the head of their chain, and the checkpoint before it; the last
says that it is the last. So a tail cut off the trace is found, and so is one cut off both files.
Without a key they only agree with the trace, which whoever changed it could arrange.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

from bench.evidence.chain import Chain
from bench.evidence.signing import Signer, Verifier, pre_authentication
from bench.units import Micros, format_instant

KIND: Final = "application/vnd.smets1-bench.checkpoint+json"

_FIRST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line of `checkpoints.jsonl`. `before`: the SHA-256 of the line before, as 64 hex digits.

    `at` is the run's own time. `key` and `signature` are empty where the run had no key.
    """

    number: int
    lines: int
    head: str
    at: str
    last: bool
    before: str
    key: str = ""
    signature: str = ""

    def line(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode("ascii") + b"\n"

    def signed_part(self) -> bytes:
        """What the signature is over."""
        fields = {name: held for name, held in asdict(self).items() if name != "signature"}
        return pre_authentication(KIND, json.dumps(fields, sort_keys=True).encode("ascii"))

    def signed_by(self, verifier: Verifier) -> bool:
        try:
            signature = base64.b64decode(self.signature, validate=True)
        except ValueError:
            return False
        return self.key == verifier.key_id and verifier.accepts(signature, self.signed_part())


class CheckpointWriter:
    """Follows a trace while it is written; each checkpoint is in the file when `mark` returns."""

    def __init__(self, file: BinaryIO, signer: Signer | None = None) -> None:
        self._file = file
        self._signer = signer
        self._chain = Chain()
        self._before = _FIRST
        self._number = 0
        self._marked = 0

    def add(self, line: bytes) -> None:
        """Takes a line of the trace, with its newline, once it is in the trace's file."""
        self._chain.add(line)

    @property
    def unmarked(self) -> int:
        """How many lines came since the latest checkpoint."""
        return self._chain.length - self._marked

    def mark(self, at: Micros, *, last: bool = False) -> None:
        """Writes a checkpoint. After one that is the last there must be none."""
        self._number += 1
        self._marked = self._chain.length
        key = "" if self._signer is None else self._signer.key_id
        checkpoint = Checkpoint(
            self._number,
            self._chain.length,
            self._chain.head,
            format_instant(at),
            last,
            self._before,
            key,
        )
        if self._signer is not None:
            signature = base64.b64encode(self._signer.sign(checkpoint.signed_part())).decode()
            checkpoint = Checkpoint(**{**asdict(checkpoint), "signature": signature})
        line = checkpoint.line()
        self._before = hashlib.sha256(line).hexdigest()
        self._file.write(line)
        self._file.flush()


def read_checkpoints(text: bytes) -> list[Checkpoint] | None:
    """The checkpoints, if the text is in the only form in which they are written."""
    try:
        found = [Checkpoint(**json.loads(line)) for line in text.splitlines()]
        sound = b"".join(checkpoint.line() for checkpoint in found) == text
    except (ValueError, TypeError, RecursionError):
        return None
    return found if found and sound else None


def off_trace(checkpoints: Sequence[Checkpoint], heads: Sequence[str]) -> str:
    """How the checkpoints contradict themselves or the trace; empty where they do not.

    `heads` is the trace's chain, a head a line (`bench.evidence.chain.heads`).
    """
    before, lines = _FIRST, 0
    every = [Chain().head, *heads]
    for number, each in enumerate(checkpoints, 1):
        if each.number != number or each.before != before:
            return f"checkpoint {number} does not follow the one before it"
        if not lines <= each.lines < len(every):
            return f"checkpoint {number} saw {each.lines} lines, the trace has {len(heads)}"
        if each.head != every[each.lines]:
            return f"checkpoint {number} saw other lines up to trace.jsonl:{each.lines}"
        if each.last != (number == len(checkpoints)):
            return "the last checkpoint is not the end of the run: a tail was cut off"
        before, lines = hashlib.sha256(each.line()).hexdigest(), each.lines
    if lines != len(heads):
        return f"the run ended with {lines} lines, the trace has {len(heads)}"
    return ""
