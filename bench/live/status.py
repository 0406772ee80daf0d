"""`status.json`: what a run tells whoever looks on, in its folder, replaced whole each time.

Written by the run, read by `smets1-bench serve`. It is no evidence and no report rests on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.live.view import Trying, View
from bench.result import ParameterRecord, StrategyRecord
from bench.units import SECOND, Micros

STATUS: Final = "status.json"
FORMAT: Final = 1

RUNNING: Final = "running"
FINISHED: Final = "finished"
STOPPED: Final = "stopped"


@dataclass(frozen=True, slots=True)
class Question:
    """What the person at the bench is asked, until when, and which answers there are."""

    number: int
    text: str
    answers: tuple[str, ...]
    until: Micros


@dataclass(frozen=True, slots=True)
class Current:
    """The scenario under way.

    `first_line`: its first line in `trace.jsonl`, from 1. `until`: what the process waits for ends
    then, at the latest; None where it does not wait. `doing`: the request or wait at hand.
    `rules`: how often each verdict was given so far, each rule by its worst. `findings`: the failed
    and doubtful ones so far, a line each.
    """

    scenario: str
    about: str
    first_line: int
    strategy: StrategyRecord
    parameters: Mapping[str, ParameterRecord]
    view: View | None = None
    doing: str = ""
    until: Micros | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The run. `now`: its clock when this was written. `verdicts`: of the scenarios that ended.

    `kit` is EMULATED, REAL, MIXED or UNHEARD as far as it is known; `verdict` is the run's, at its
    end. `process`: the mark of the process that runs it (`bench.live.process`).
    """

    state: str
    suite: str
    station: str
    clock: str
    seed: int
    started: Micros
    now: Micros
    scenarios: int
    done: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    kit: str = ""
    verdict: str = ""
    current: Current | None = None
    question: Question | None = None
    process: str = ""
    format: int = FORMAT


def write_status(folder: Path, status: Status) -> None:
    """Replaces the file, so that a reader finds the old or the new one, whole. OSError: it cannot.

    Not made durable: after a crash the trace tells what happened.
    """
    put_status(folder, json.dumps(asdict(status), ensure_ascii=False, separators=(",", ":")))


def put_status(folder: Path, text: str) -> None:
    """As `write_status`, what is in the file already a text."""
    unfinished = folder / f".{STATUS}.{os.getpid()}"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(folder / STATUS)


def read_status(folder: Path) -> Status | None:
    """The status in a run's folder; None where there is none, or none that this version reads."""
    try:
        data = json.loads((folder / STATUS).read_text(encoding="utf-8"))
        return _status(data) if data["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


_TEXTS: Final = ("state", "suite", "station", "clock", "kit", "verdict", "process")
_NUMBERS: Final = ("seed", "started", "now", "scenarios", "done")


def _status(data: dict[str, Any]) -> Status:
    """`ValueError` and its like: a file that somebody else wrote, or half of one."""
    if not all(isinstance(data[name], str) for name in _TEXTS):
        raise ValueError("expected texts")
    if not all(type(data[name]) is int for name in _NUMBERS):
        raise ValueError("expected numbers")
    for instant in (data["started"], data["now"]):
        datetime.fromtimestamp(instant / SECOND, UTC)  # raises where no calendar has it
    current, question = data["current"], data["question"]
    return Status(
        **{
            **data,
            "current": None if current is None else _current(current),
            "question": None
            if question is None
            else Question(**{**question, "answers": tuple(question["answers"])}),
        }
    )


def _current(data: dict[str, Any]) -> Current:
    view = data["view"]
    if view is not None:
        trying = view["trying"]
        view = View(**{**view, "trying": None if trying is None else Trying(**trying)})
    return Current(
        **{
            **data,
            "strategy": StrategyRecord(**data["strategy"]),
            "parameters": {
                name: ParameterRecord(**entry) for name, entry in data["parameters"].items()
            },
            "view": view,
            "findings": tuple(data["findings"]),
        }
    )
