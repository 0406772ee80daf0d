"""The lines of a profile's file, each with what a device says to it.

Every value in the file has a line here, checked or not, so that nothing is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bench.yaml_source import Document, path_text

Path = tuple[str | int, ...]
"""A place in the file, as its keys are written."""


class Standing(StrEnum):
    """What the device says to a line."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Line:
    """One value of the file. `path` is its place in words, `detail` what was seen, or why not."""

    line: int
    column: int
    path: str
    standing: Standing
    detail: str


_ABOUT_NOTHING: Final = "says nothing about the device"
_NOT_REACHED: Final = "the device was not asked"


class Ledger:
    """Collects verdicts. One on a place holds for all below it that have none of their own."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._verdicts: dict[Path, tuple[Standing, str]] = {
            ("profile",): (Standing.NOT_CHECKED, _ABOUT_NOTHING),
            ("about",): (Standing.NOT_CHECKED, _ABOUT_NOTHING),
            ("timing", "reaction"): (Standing.NOT_CHECKED, "is for the emulated form"),
            ("cannot",): (Standing.NOT_CHECKED, "speaks of disturbed lines"),
        }

    def confirm(self, *path: str | int, detail: str) -> None:
        self._verdicts[path] = (Standing.CONFIRMED, detail)

    def contradict(self, *path: str | int, detail: str) -> None:
        self._verdicts[path] = (Standing.CONTRADICTED, detail)

    def skip(self, *path: str | int, detail: str) -> None:
        """Not checked, and why."""
        self._verdicts[path] = (Standing.NOT_CHECKED, detail)

    def settle(self, right: bool, *path: str | int, detail: str) -> None:
        """Confirmed if `right`, else contradicted."""
        (self.confirm if right else self.contradict)(*path, detail=detail)

    def lines(self) -> list[Line]:
        """Every value of the file, in its order."""
        found = [self._line(path) for path in _leaves(self._document.data, ())]
        return sorted(found, key=lambda line: (line.line, line.column))

    def _line(self, path: Path) -> Line:
        line, column = self._document.position(path)
        standing, detail = Standing.NOT_CHECKED, _NOT_REACHED
        for end in range(len(path), -1, -1):
            if path[:end] in self._verdicts:
                standing, detail = self._verdicts[path[:end]]
                break
        return Line(line, column, path_text(path), standing, detail)


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))
    else:
        yield path
