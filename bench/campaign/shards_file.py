"""`shards.jsonl`: what is done of a campaign, one line a shard, so that a stop loses little.

The first line says what the campaign is. A last line that was cut off by a crash does not count.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from bench.campaign.shard import Shard
from bench.campaign.tally import Tally
from bench.errors import BenchError, UsageError

SHARDS: Final = "shards.jsonl"
FORMAT: Final = 1


@dataclass(slots=True)
class ShardsFile:
    """Open for more lines, by nobody else. `done`: the shards in it; `tally`: their sum."""

    _file: TextIO
    done: set[tuple[int, int]] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)

    def add(self, shard: Shard, tally: Tally) -> None:
        """On the disk's way before it returns. Raises `BenchError` where that cannot be written."""
        line = json.dumps({"first": shard.first, "end": shard.end, **tally.as_json()})
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._file.name, error) from None
        self.count(shard.first, shard.end, tally)

    def count(self, first: int, end: int, tally: Tally) -> None:
        """Takes note of a shard that is in the file. Raises ValueError where it is there twice."""
        if (first, end) in self.done:
            raise ValueError((first, end))
        self.done.add((first, end))
        self.tally.take(tally)


def holds_shards(folder: Path) -> bool:
    """Whether anything is done there that a campaign begun anew would undo."""
    try:
        with (folder / SHARDS).open("rb") as file:
            return file.readline().endswith(b"\n") and bool(file.readline())
    except FileNotFoundError:
        return False
    except OSError:
        return True


@contextmanager
def begun(folder: Path, head: Mapping[str, Any]) -> Iterator[ShardsFile]:
    """A new file in the folder. Raises `BenchError` where it cannot be written."""
    path = folder / SHARDS
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None
    with file, _alone(path, file):
        file.truncate(0)
        file.write(json.dumps({"format": FORMAT, **head}) + "\n")
        file.flush()
        yield ShardsFile(file)


@contextmanager
def taken_up(folder: Path, head: Mapping[str, Any]) -> Iterator[ShardsFile]:
    """The file of a campaign that was stopped; from a line on that is none it is done again.

    Raises `UsageError` where it is another's, or another process is at it.
    """
    path = folder / SHARDS
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}",
            hint="--resume goes on with a campaign that was stopped; name its folder with --out",
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: expected the shards of a campaign, got no text") from None
    _require_same(path, lines[0], {"format": FORMAT, **head})
    try:
        file = path.open("r+", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None
    with file, _alone(path, file):
        kept = ShardsFile(file)
        sound = len(lines[0].encode()) + 1
        for line in lines[1:-1]:  # what follows the last line end was cut off
            try:
                data = json.loads(line)
                kept.count(data["first"], data["end"], Tally.from_json(data))
            except (ValueError, KeyError, TypeError):
                break
            sound += len(line.encode()) + 1
        file.truncate(sound)
        file.seek(sound)
        yield kept


@contextmanager
def _alone(path: Path, file: TextIO) -> Iterator[None]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError(
            f"{path}: another process is at this campaign", hint="let it end, or name another --out"
        ) from None
    yield


def _require_same(path: Path, line: str, head: Mapping[str, Any]) -> None:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{path}: expected the shards of a campaign in its first line")
    moved = [name for name in head if found.get(name) != head[name]]
    if moved:
        raise UsageError(
            [
                f"{path}: {name} was {_short(found.get(name))} and is {_short(head[name])} now"
                for name in moved
            ],
            hint="a campaign goes on only as it began; begin it anew without --resume",
        )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unwritable(path: object, error: OSError) -> BenchError:
    return BenchError(
        f"{path}: cannot be written: {error.strerror}",
        hint="is the disk full or read-only? --resume goes on with what was kept",
    )
