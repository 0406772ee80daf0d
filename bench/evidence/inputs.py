"""Copies of what a run reads, taken from the very bytes it read, into its folder's `inputs`.

Shipped files keep their place among the fixtures; a file of the user's is called by its name and
the beginning of its hash, so that no path of a machine gets into evidence. What the program holds
of its own (the strategies, the defaults) is named by hashes and versions, and not copied.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.evidence.archive import may_be_packed
from bench.evidence.contents import INPUTS
from bench.shipped import find, fixtures
from bench.yaml_source import load, watched

SHIPPED: Final = "shipped"
GIVEN: Final = "given"

_PROGRAM: Final = Path(__file__).parent.parent


class InputCopies:
    """Takes every file that is read; they are stored once there is a folder for them."""

    def __init__(self) -> None:
        self._taken: dict[str, bytes] = {}

    def take(self, path: Path, content: bytes) -> None:
        """Takes a file as it was read; the same one may be given again."""
        name = _name(path, content)
        if name is not None:
            self._taken.setdefault(name, content)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Takes whatever this thread reads meanwhile."""
        with watched(self.take):
            yield

    def take_station(self, path: Path) -> None:
        """Takes a station's file and the device profiles it names. Raises `UsageError`."""
        with self.taking():
            for profile in _profiles(load(path).data):
                load(find("devices", profile, beside=path.parent))

    def store(self, folder: Path) -> None:
        """Writes the copies, and removes those of an earlier run. Raises `OSError`."""
        place = folder / INPUTS
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        for name, content in sorted(self._taken.items()):
            copy = place / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def _profiles(node: Any) -> Iterator[str]:
    """Every text under a key `profile`, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "profile" and isinstance(value, str):
                yield value
            else:
                yield from _profiles(value)
    elif isinstance(node, list):
        for value in node:
            yield from _profiles(value)


def _name(path: Path, content: bytes) -> str | None:
    """Where the copy stands within the inputs; None for what is not copied."""
    resolved = path.resolve()
    if resolved.is_relative_to(fixtures()):
        name = f"{SHIPPED}/{resolved.relative_to(fixtures()).with_suffix('.yaml').as_posix()}"
        if may_be_packed(name):
            return name
    elif resolved.is_relative_to(_PROGRAM):
        return None
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-")[:60] or "file"
    return f"{GIVEN}/{stem}-{hashlib.sha256(content).hexdigest()[:12]}.yaml"
