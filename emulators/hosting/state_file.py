"""What hosted devices hold, kept over restarts, in one JSON file that only its owner may read.

It holds the key bytes of emulated devices, so it is refused when others may read or write it. A
file is written whole beside the old one, flushed to the disk and put in its place, so that there
is always one that is whole. Of a device's past (log, power cuts) the newest part is kept.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from bench.errors import BenchError, Problem, UsageError
from bench.file_model import key_of, read
from bench.yaml_source import loads
from drivers.transport.lock import PortLock, lock_directory
from emulators.models.kept import KeptBoard, KeptDevice
from emulators.wire.kept_counters import KeptCounters

_FORMAT: Final = 1
_WARNING: Final = "keys of emulated devices: do not copy, do not commit"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class KeptState:
    """The form of a state file. `counters` are those of meters, by name."""

    emulate_state: int
    warning: str
    installation: str
    seed: int
    devices: Mapping[str, KeptDevice]
    counters: Mapping[str, KeptCounters] = field(default_factory=dict)
    relay_board: KeptBoard | None = None

    @classmethod
    def of(
        cls,
        installation: str,
        seed: int,
        devices: Mapping[str, KeptDevice],
        counters: Mapping[str, KeptCounters],
        relay_board: KeptBoard | None,
    ) -> KeptState:
        return cls(_FORMAT, _WARNING, installation, seed, devices, counters, relay_board)


class StateFile:
    """One process at a time has it, from construction to `close`."""

    def __init__(self, path: Path) -> None:
        """`Busy`: another process has it."""
        self.path = path
        self._lock = PortLock(f"state:{path.absolute()}", lock_directory())
        self._written = ""

    def load(self) -> KeptState | None:
        """What was stored; None where there is no file yet.

        `UsageError`: others may read it, or it is not what was stored. No complaint quotes it.
        """
        text = self._text()
        if text is None:
            return None
        name = str(self.path)
        try:
            state = read(loads(text, name), KeptState)
        except UsageError as error:
            raise UsageError(
                [_without_values(problem, name) for problem in error.problems], hint=_ANEW
            ) from None
        if state.emulate_state != _FORMAT:
            raise UsageError(
                Problem(name, f"expected format {_FORMAT}, got {state.emulate_state}"), hint=_ANEW
            )
        return state

    def store(self, state: KeptState) -> None:
        """Durable when it returns; does nothing where nothing changed. `BenchError`: it could not
        be written; what was stored before still stands.
        """
        text = json.dumps(_plain(state), indent=1, ensure_ascii=False) + "\n"
        if text == self._written:
            return
        fresh = self.path.with_name(f".{self.path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            handle = os.open(fresh, flags, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            folder = os.open(self.path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise BenchError(f"{self.path}: the state cannot be stored: {error.strerror}") from None
        self._written = text

    def close(self) -> None:
        """Safe to repeat."""
        self._lock.release()

    def _text(self) -> str | None:
        name = str(self.path)
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            if not self.path.absolute().parent.is_dir():
                raise UsageError(Problem(name, "its folder does not exist")) from None
            return None
        except OSError as error:
            raise UsageError(Problem(name, f"cannot be read: {error.strerror}")) from None
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(Problem(name, "expected a file"))
            if found.st_uid != os.getuid() or found.st_mode & _OTHERS:
                mode = stat.S_IMODE(found.st_mode)
                raise UsageError(
                    Problem(name, f"it holds keys: expected mode 0600, got {mode:04o}"),
                    hint=f"chmod 600 {name}",
                )
            try:
                return file.read().decode("utf-8")
            except UnicodeDecodeError:
                raise UsageError(Problem(name, "expected UTF-8 text"), hint=_ANEW) from None


_ANEW: Final = "remove the file to begin with devices as new, or put a whole copy in its place"


def _without_values(problem: str | Problem, name: str) -> Problem:
    message = "not what the emulator stores"
    if isinstance(problem, str):
        return Problem(name, message)
    return Problem(name, message, problem.line, problem.column, problem.path)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {key_of(each.name): _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
