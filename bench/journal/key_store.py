"""Where the keys of a run are: one file beside the journal, readable by its owner only.

It holds every key that a device may hold: the current one, the one on its way, the one before,
until it is proven that a key is held nowhere and it is retired; then its check value stays. Each
change replaces the file whole and is on the disk before the next thing is done, so before the
intent of the transfer is written.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from bench.errors import BenchError, UsageError
from bench.journal.store import JournalFull
from bench.plain_file import open_plain
from bench.secret import Secret

FILE: Final = "keys.json"
_FORMAT: Final = 1
_CHECK_VALUE: Final = re.compile("[0-9A-F]{6}")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyStoreRefused(BenchError):
    """The file is no key store, holds less than it must, or others can read it."""


class RetiredKey(Secret):
    """A key that was destroyed: its check value is known, its bytes are not."""

    __slots__ = ("_known",)

    def __init__(self, label: str, check_value: str) -> None:
        super().__init__(b"", label)
        self._known = check_value

    @property
    def check_value(self) -> str:
        return self._known

    def reveal(self) -> bytes:
        raise BenchError(f"{self.label}: the key {self._known} was retired and destroyed")

    def matches(self, other: Secret) -> bool:
        return other is self

    def __repr__(self) -> str:
        return f"<Secret {self.label} kcv={self._known} retired>"


class KeyStore:
    """The keys of every scenario's devices, and those that were made and have no place yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rings: dict[str, dict[str, dict[str, Secret]]] = {}
        self._fresh: list[Secret] = []
        self._retired: set[tuple[str, str]] = set()  # check value and label

    @classmethod
    def open(cls, path: Path) -> Self:
        """One that is there. Raises `KeyStoreRefused`."""
        store = cls(path)
        try:
            with open_plain(path) as file:
                if os.fstat(file.fileno()).st_mode & _OTHERS:
                    raise KeyStoreRefused(
                        f"{path}: others than its owner can read or write it",
                        hint=f"chmod 600 {path}, and ask who could have read it",
                    )
                store._take(json.load(file))
        except OSError as error:
            raise KeyStoreRefused(
                f"{path}: cannot be read: {error.strerror}",
                hint="see what is there: the file with the run's keys belongs in that place",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise KeyStoreRefused(
                f"{path}: not a key store of this version",
                hint="the keys in it may be the only way to the devices: keep the file",
            ) from None
        return store

    def _take(self, data: Any) -> None:
        if data["format"] != _FORMAT:
            raise ValueError("another format")
        self._fresh = [_secret(key) for key in data["unplaced"]]
        self._rings = {
            scenario: {
                place: {state: _secret(key) for state, key in states.items()}
                for place, states in ring.items()
            }
            for scenario, ring in data["rings"].items()
        }
        retired = map(_secret, data.get("retired", ()))
        self._retired = {(key.check_value, key.label) for key in retired}

    def require(self, made: Iterable[tuple[str, str]]) -> None:
        """Raises `KeyStoreRefused` where a key of these, by check value and label, is neither held
        nor known as retired: the file is gone, or an older one.
        """
        lost = sorted({*made} - self._known())
        if lost:
            named = ", ".join(f"{check_value} ({label})" for check_value, label in lost)
            got = "an older file" if self._path.exists() else "no such file"
            raise KeyStoreRefused(
                f"{self._path}: expected the keys that the run made, got {got}, without {named}",
                hint="put the file back as the run left it: it may be the only way to the devices",
            )

    def _known(self) -> set[tuple[str, str]]:
        held = {(key.check_value, key.label) for *_, key in self.every()}
        return held | self._retired

    def ring(self, scenario: str) -> Mapping[str, Mapping[str, Secret]]:
        """What is held for a scenario's devices: `device/slot`, then the key's state."""
        return self._rings.get(scenario, {})

    def every(self) -> Iterator[tuple[str, str, str, Secret]]:
        """Scenario, `device/slot`, the key's state and the key; of one without a place blanks."""
        for scenario, ring in self._rings.items():
            for place, states in ring.items():
                for state, key in states.items():
                    yield scenario, place, state, key
        for key in self._fresh:
            yield "", "", "not sent", key

    def listed(self) -> Iterator[tuple[str, str, str, Secret]]:
        """As `every`, with one current key in each place: that of the last scenario. Of an earlier
        one it is previous, and is not said again where it is the same key.
        """
        last = {
            place: (scenario, key)
            for scenario, place, state, key in self.every()
            if state == "current"
        }
        for scenario, place, state, key in self.every():
            of, current = last.get(place, (scenario, None))
            if scenario == of:
                yield scenario, place, state, key
            elif key != current:
                yield scenario, place, "previous" if state == "current" else state, key

    def hand_out(self, check_value: str, to: Path) -> None:
        """Writes the key of that check value to a new file that only its owner can read, in the
        form that a reference in a station file reads (`bench.secret_reference`).

        Raises `UsageError`: no such key is held, several are, or the file is there already.
        """
        keys = [key for *_, key in self.every() if not isinstance(key, RetiredKey)]
        known = sorted({key.check_value for key in keys})
        found = [key for key in keys if key.check_value == check_value]
        if not found or any(key != found[0] for key in found):
            raise UsageError(
                f"{self._path}: expected one key of check value {check_value}, got "
                f"{'several' if found else 'none'}; held: {', '.join(known) or 'no key'}"
            )
        try:
            _create(to, found[0].reveal().hex().encode() + b"\n")
        except FileExistsError:
            raise UsageError(f"{to}: is there already", hint="name a new file") from None
        except OSError as error:
            raise BenchError(f"{to}: cannot be written: {error.strerror}") from error

    def add(self, key: Secret) -> None:
        """A new key, not yet in any place of a ring; on the disk when this returns."""
        self._fresh.append(key)
        self._write()

    def find(self, check_value: str, label: str) -> Secret:
        """The key of that check value and label, or what is left of it if it was retired.

        Raises `KeyStoreRefused` where it was never here.
        """
        placed = (
            key
            for ring in self._rings.values()
            for states in ring.values()
            for key in states.values()
        )
        for key in (*self._fresh, *placed):
            if key.check_value == check_value and key.label == label:
                return key
        self.require([(check_value, label)])
        return RetiredKey(label, check_value)

    def keep(self, scenario: str, ring: dict[str, dict[str, Secret]]) -> None:
        """The ring of a scenario as it is now; on the disk when this returns."""
        before = self._known()
        self._rings[scenario] = ring
        held = [key for states in ring.values() for key in states.values()]
        self._fresh = [key for key in self._fresh if not any(key is other for other in held)]
        self._retired = before
        self._retired -= {(key.check_value, key.label) for *_, key in self.every()}
        self._write()

    def _write(self) -> None:
        data = {
            "format": _FORMAT,
            "unplaced": [_revealed(key) for key in self._fresh],
            "retired": [
                _revealed(RetiredKey(label, check_value))
                for check_value, label in sorted(self._retired)
            ],
            "rings": {
                scenario: {
                    place: {state: _revealed(key) for state, key in states.items()}
                    for place, states in ring.items()
                }
                for scenario, ring in self._rings.items()
            },
        }
        try:
            _replace(self._path, json.dumps(data, indent=1).encode())
        except OSError as error:
            raise JournalFull(
                f"{self._path}: the keys cannot be kept: {error.strerror}",
                hint="make room on the disk: no key is sent that is not kept",
            ) from error


def _revealed(key: Secret) -> dict[str, str]:
    if isinstance(key, RetiredKey):
        return {"label": key.label, "retired": key.check_value}
    return {"label": key.label, "key": key.reveal().hex()}


def _secret(data: Mapping[str, str]) -> Secret:
    """Raises `ValueError`, `KeyError`, `TypeError`: it is no key that was written here."""
    if not isinstance(data["label"], str):
        raise TypeError("not a key's label")
    if "retired" in data:
        if _CHECK_VALUE.fullmatch(data["retired"]) is None:
            raise ValueError("not a check value")
        return RetiredKey(data["label"], data["retired"])
    key = Secret(bytes.fromhex(data["key"]), data["label"])
    _ = key.check_value  # of a key of another length there is none
    return key


def _create(path: Path, content: bytes) -> None:
    """A new file, 0600. Raises `FileExistsError`."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, content: bytes) -> None:
    """The file whole, old or new, whatever happens; on the disk when this returns."""
    unfinished = path.with_name(path.name + ".unfinished")
    with suppress(FileNotFoundError):
        unfinished.unlink()
    try:
        _create(unfinished, content)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
