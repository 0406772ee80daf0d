"""Where `emu:` and `pty:` names lead. Emulator hosts register here; `drivers` knows no emulator."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from bench.errors import UsageError
from drivers.transport.memory import MemoryPort
from drivers.transport.pty_line import PtyPort

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


class EmulatedPorts(Protocol):
    """Resolves the names of a station's emulated ports. Unknown names raise `UsageError`."""

    def memory(self, name: str) -> MemoryPort: ...

    def pty(self, name: str) -> PtyPort: ...


class PortRegistry:
    """One station's emulated ports.

    `pty_folder`: where a host in another process leaves its symlinks; names not registered here
    are looked up there.
    """

    def __init__(self, pty_folder: Path | None = None) -> None:
        self._memory: dict[str, MemoryPort] = {}
        self._ptys: dict[str, PtyPort] = {}
        self._pty_folder = pty_folder

    def register_memory(self, port: MemoryPort) -> None:
        self._memory[_checked(port.name)] = port

    def register_pty(self, name: str, port: PtyPort) -> None:
        self._ptys[_checked(name)] = port

    def memory(self, name: str) -> MemoryPort:
        port = self._memory.get(name)
        if port is None:
            raise _unknown("emu", name, self._memory)
        return port

    def pty(self, name: str) -> PtyPort:
        port = self._ptys.get(_checked(name))
        if port is not None:
            return port
        if self._pty_folder is not None:
            path = self._pty_folder / name
            if path.is_symlink():
                return PtyPort(path)
        raise _unknown("pty", name, self._ptys)


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"an emulated port's name is letters, digits and _.-, got {name!r}")
    return name


def _unknown(scheme: str, name: str, known: Iterable[str]) -> UsageError:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {scheme}:{close[0]}?" if close else f"known: {', '.join(names) or 'none'}"
    return UsageError(f"{scheme}:{name}: nothing emulated has that name", hint=hint)
