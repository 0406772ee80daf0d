"""The records of a foreign log in JSON: objects, each with the line on which it begins.

They stand one after the other, or are the items of one list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.foreign_logs.records import Record, Records, refuse_if_packed, with_mark
from bench.trace_reading import FaultyLine, shown

_BLANK: Final = " \t\r\n"


def json_records(path: str, encoding: str) -> Records:
    """The file is read whole. Raises OSError, or UnreadableTrace where it is packed.

    A list that does not end is said to be cut off: its last records may be missing.
    """
    octets = Path(path).read_bytes()
    refuse_if_packed(octets[:2], path)
    text = _Text(octets.decode(with_mark(encoding), "surrogateescape"))
    listed = text.took("[")
    ended = False  # the list
    between = False  # after an item of it, where a comma or its end is due
    while not text.at_end():
        line = text.line()
        if ended:
            yield line, FaultyLine("expected nothing after the ] that ends the list")
            return
        if listed and text.took("]"):
            ended = True
        elif between and text.took(","):
            between = False
        elif between:
            yield line, FaultyLine("expected , or ] after an item of the list")
            between = False
        else:
            said = text.record(encoding)
            yield line, said
            between = listed and not text.skipped
    if listed and not ended and not text.lost:
        yield text.line(), FaultyLine("expected ] at the end of the list: the log is cut off")


class _Text:
    """JSON text and how far it has been read. `skipped`: the last record could not be
    read, nor where it ends; `lost`: so was any.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self.lost = self.skipped = False
        self._once = json.JSONDecoder(object_pairs_hook=_once)
        self._lenient = json.JSONDecoder()

    def at_end(self) -> bool:
        self._blanks()
        return self._at == len(self._text)

    def line(self) -> int:
        """On which what comes next begins."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def took(self, mark: str) -> bool:
        self._blanks()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def record(self, encoding: str) -> Record | FaultyLine:
        self.skipped = False
        try:
            value, self._at = self._once.raw_decode(self._text, self._at)
        except _Twice as twice:
            _, self._at = self._lenient.raw_decode(self._text, self._at)
            return FaultyLine(f"field '{twice}' stands twice")
        except (ValueError, RecursionError) as error:
            self.lost = self.skipped = True
            self._skip_to_next_object()
            return FaultyLine(f"expected a JSON object: {_why(error)}")
        return _object(value, encoding)

    def _skip_to_next_object(self) -> None:
        """To a line that begins with one; to the end where there is none."""
        while True:
            newline = self._text.find("\n", self._at)
            self._at = len(self._text) if newline < 0 else newline + 1
            if self.at_end() or self._text[self._at] == "{":
                return

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._at += 1


class _Twice(ValueError):
    """A field that stands twice in an object; says which."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "a number has too many digits"


def _object(value: Any, encoding: str) -> Record | FaultyLine:
    if not isinstance(value, dict):
        return FaultyLine(f"expected a JSON object, got {shown(value)}")
    record: dict[str, Any] = {}
    for name, cell in _flat(value, ""):
        if name in record:
            return FaultyLine(f"field '{name}' stands twice")
        if isinstance(cell, str) and any("\ud800" <= char <= "\udfff" for char in cell):
            return FaultyLine(f"field '{name}': expected {encoding} text (the map's encoding)")
        record[name] = cell
    return record


def _flat(value: dict[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """The fields of nested objects as `outer.inner`."""
    waiting = [(before, value)]
    while waiting:
        before, inner = waiting.pop()
        for name, one in inner.items():
            if isinstance(one, dict):
                waiting.append((f"{before}{name}.", one))
            else:
                yield f"{before}{name}", one
