"""Line settings of a pty, out of band.

A pty carries no baud rate or parity and refuses to be set to one, so it is opened 8N1 and the
settings the client means are published beside it: to a host in this process by a call, to any
other through a small file `<path>.line`. Both say *from which octet on* the settings hold, counted
over what the client wrote since it opened the port. So the host knows how each octet was sent
however late it reads, and can let a wrong setting fail as it does on a wire (`line.as_heard`).

The file, one JSON object, replaced as a whole at each change:
`{"session": "4711-3", "changes": [[0, "300 7E1"], [6, "9600 7E1"]]}`. `session` changes with every
opening of the port; the counting starts again with it. The newest 64 changes are kept.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import BenchError
from drivers.transport.line import LineSettings

_KEPT: Final = 64
_FILE_AT_MOST: Final = 16_384
_openings = itertools.count(1)


@dataclass(frozen=True, slots=True)
class IntendedLine:
    """What one opening of a pty meant its line to be, by octet."""

    session: str
    changes: tuple[tuple[int, LineSettings], ...]

    def at(self, octet: int) -> LineSettings:
        """The settings that octet number `octet` (from 0) was sent with."""
        held = self.changes[0][1]
        for first, settings in self.changes:
            if first > octet:
                break
            held = settings
        return held


Told = Callable[[IntendedLine], None]
"""A host in this process takes each change; called on the client's thread."""


@dataclass(frozen=True, slots=True)
class PtyPort:
    """A pty by name: its path (the symlink the host made) and the host, if in this process."""

    path: Path
    told: Told | None = None


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".line")


def read_intended(path: Path) -> IntendedLine | None:
    """What the client of the pty at `path` last published; None: nothing, or nothing readable."""
    try:
        with sidecar(path).open("rb") as file:
            said = json.loads(file.read(_FILE_AT_MOST))
        changes = tuple((int(first), LineSettings.parse(line)) for first, line in said["changes"])
        session = str(said["session"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return IntendedLine(session, changes) if changes else None


class LinePublisher:
    """The client's side: counts what is written and publishes each change of the settings."""

    def __init__(self, pty: PtyPort, settings: LineSettings) -> None:
        self._pty = pty
        self._written = 0
        self._intended = IntendedLine(f"{os.getpid()}-{next(_openings)}", ((0, settings),))
        self._publish()

    def wrote(self, octets: int) -> None:
        self._written += octets

    def change(self, settings: LineSettings) -> None:
        kept = self._intended.changes
        if kept[-1][0] == self._written:
            kept = kept[:-1]  # nothing was sent with it
        changes = (*kept, (self._written, settings))[-_KEPT:]
        self._intended = IntendedLine(self._intended.session, changes)
        self._publish()

    def _publish(self) -> None:
        if self._pty.told is not None:
            self._pty.told(self._intended)
        if not self._pty.path.is_symlink():
            return  # a bare /dev/pts/N: no host beside it would look
        target = sidecar(self._pty.path)
        text = json.dumps(
            {
                "session": self._intended.session,
                "changes": [[first, str(line)] for first, line in self._intended.changes],
            }
        )
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        try:
            fresh.write_text(text, encoding="ascii")
            fresh.replace(target)
        except OSError as error:
            raise BenchError(f"cannot write {target}: {error.strerror}") from error
