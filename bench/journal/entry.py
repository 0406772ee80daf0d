"""One entry of the journal, and how each is chained to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from bench.journal.moment import Moment


class Kind(StrEnum):
    RUN = "run"  # the first: what the run is (`bench.journal.run_head`)
    SCENARIO = "scenario"  # a scenario began; `target` is its name
    INTENT = "intent"  # an act is about to be made; `body`: its arguments
    RESULT = "result"  # what came of the act of that number
    READING = "reading"  # an act that changes nothing outside, with its result
    RESUMED = "resumed"  # the run was taken up again before the act of that number; `body`: gap
    ENDED = "ended"  # the scenario ended
    FINISHED = "finished"  # the run ended; `body`: its verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` counts the acts of a scenario from 1; 0 where the entry is none of an act.

    `body` is a line of JSON (`bench.journal.values`).
    """

    kind: Kind
    number: int
    target: str
    operation: str
    body: str
    moment: Moment


KEYS: Final = "keys"
"""The target of a reading that is a new key: its label and, as the body, its check value."""

START: Final = bytes(32)
"""What the first entry is chained to."""


def chained(before: bytes, entry: Entry) -> bytes:
    """SHA-256 over the link before and every field of the entry, texts after all their lengths."""
    when, target, operation, body = entry.moment, entry.target, entry.operation, entry.body
    line = (
        f"{entry.kind} {entry.number} {when.at} {when.monotonic} {len(when.boot)} "
        f"{len(target)} {len(operation)} {len(body)} {when.boot}{target}{operation}{body}"
    )
    return sha256(before + line.encode("utf-8", "surrogatepass")).digest()
