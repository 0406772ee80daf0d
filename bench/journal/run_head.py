"""What a run is: how it was ordered, and a hash of everything that must not move under it.

The process is hashed by itself, not by the whole commit: a patch to a report must not kill a run
of two days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.journal.values import written
from bench.units import Micros

PROCESS: Final = (
    "bench.migration",
    "bench.mehrs",
    "bench.effects",
    "bench.settling",
    "bench.soaking",
)
"""The modules that say what is done next; what they are given is hashed with the scenario."""

_TOLD: Final = 10
"""Of what has moved: as many are named."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """The command line of the run, as `resume` needs it. `folder`: where it was given; `named`:
    the suite as it was named there. `signed`: the id of the key that signs its checkpoints.
    """

    folder: str
    suite: str
    named: str
    station: str
    seed: int
    only: tuple[str, ...]
    mehrs: str | None
    mam: str | None
    overlay: str | None
    tolerance: Micros
    yes: bool = False
    signed: str = ""


@dataclass(frozen=True, slots=True)
class RunHead:
    """The first entry of the journal. Hashes are SHA-256; `tool` and `commit` are only told."""

    ordered: Ordered
    process: str
    station: str
    profiles: Mapping[str, str]
    scenarios: Mapping[str, str]
    strategies: Mapping[str, str]
    tool: str
    commit: str


def fingerprint(value: object) -> str:
    """Of any value the journal can write."""
    return "sha256:" + hashlib.sha256(written(value).encode()).hexdigest()


def process_fingerprint() -> str:
    """Of the source of the process as it stands in this installation."""
    digest = hashlib.sha256()
    for name, file in _sources():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return "sha256:" + digest.hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for module in PROCESS:
        spec = find_spec(module)
        assert spec is not None, "a part of the bench"
        assert spec.origin is not None, "it has a file"
        file = Path(spec.origin)
        if file.name != "__init__.py":
            yield module, file
            continue
        for each in sorted(file.parent.rglob("*")):
            if each.suffix in (".py", ".yaml"):
                yield f"{module}/{each.relative_to(file.parent).as_posix()}", each


def refuse_if_moved(then: RunHead, now: RunHead) -> None:
    """Raises `UsageError` with everything that is not what it was when the run began."""
    moved = []
    if then.process != now.process:
        moved.append(
            f"the process definition ({', '.join(PROCESS)}) has changed since {then.tool} "
            f"{then.commit}: {then.process} then, {now.process} now"
        )
    if then.station != now.station:
        moved.append(f"the station file has changed: {then.ordered.station}")
    for what, before, after in (
        ("profile", then.profiles, now.profiles),
        ("scenario", then.scenarios, now.scenarios),
        ("strategy", then.strategies, now.strategies),
    ):
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        moved += [f"the {what} {name} has changed" for name in names]
    if moved:
        told = [f"cannot be resumed: {what}" for what in moved[:_TOLD]]
        if len(moved) > _TOLD:
            told.append(f"cannot be resumed: and {len(moved) - _TOLD} more have changed")
        raise UsageError(
            told,
            hint="put back what it was, or run the suite anew; docs/journal.md says what the "
            "devices may hold",
        )
