"""Which keys the bench holds for which device, and which of them are proven.

While a rotation is under way both the old and the new key are kept, until one is *proven* to be
the one the device holds. Nothing here is ever printed: `Secret` shows check values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Protocol

from bench.devices import KeySlot
from bench.secret import Secret


class KeyRing(Protocol):
    """Kept at the bench, apart from journal, trace and capture."""

    def current(self, device: str, slot: KeySlot) -> Secret | None:
        """The key last proven (or handed over with the device); None: the bench holds none."""

    def staged(self, device: str, slot: KeySlot) -> Secret | None:
        """The key on its way to the device, not yet proven."""

    def stage(self, device: str, slot: KeySlot, new: Secret) -> None:
        """Keeps `new` beside the current key. Must be durable before the key is sent."""

    def previous(self, device: str, slot: KeySlot) -> Secret | None:
        """The key the current one replaced; kept for a rollback until `retire_previous`."""

    def prove_staged(self, device: str, slot: KeySlot) -> None:
        """The device was proven to hold the staged key: it becomes current, the old previous."""

    def retire_previous(self, device: str, slot: KeySlot) -> None:
        """No rollback can need it any more: the previous key is destroyed."""

    def drop_staged(self, device: str, slot: KeySlot) -> None:
        """The device was proven to hold the current key: the staged one is retired."""

    def stage_back(self, device: str, slot: KeySlot, key: Secret) -> None:
        """Keeps `key`, which the scenario began with, unless it is kept, without losing a key that
        may be on its way. Must be durable before the key is sent.
        """

    def prove_back(self, device: str, slot: KeySlot, key: Secret) -> None:
        """The device was proven to hold `key` again: it is current, what it held before previous.

        Safe to repeat. That one is not destroyed: who takes up the run may need it to do over what
        an emulated device did.
        """

    def next_counter(self, device: str) -> int:
        """A command counter above every one handed out before; never handed out twice."""


@dataclass(slots=True)
class _Entry:
    current: Secret | None
    staged: Secret | None = None
    previous: Secret | None = None


class MemoryKeyRing:
    """A key ring for emulated kit with test keys: it is gone with the process.

    Whatever changes a key ends with `_changed`, so that a ring that is kept elsewhere too
    (`bench.journal.key_store`) is on the disk before the change returns.
    """

    def __init__(self, keys: Mapping[tuple[str, KeySlot], Secret]) -> None:
        self._entries = {place: _Entry(key) for place, key in keys.items()}
        self._counters: dict[str, int] = {}

    def held(self) -> dict[tuple[str, KeySlot], dict[str, Secret]]:
        """Every key there is, by its place and its state (`current`, `staged`, `previous`)."""
        return {
            place: {
                field.name: key
                for field in fields(entry)
                if (key := getattr(entry, field.name)) is not None
            }
            for place, entry in self._entries.items()
        }

    def _changed(self) -> None:
        """Nothing to do: what is in memory is all there is."""

    def _entry(self, device: str, slot: KeySlot) -> _Entry:
        return self._entries.setdefault((device, slot), _Entry(None))

    def current(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).current

    def staged(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).staged

    def stage(self, device: str, slot: KeySlot, new: Secret) -> None:
        self._entry(device, slot).staged = new
        self._changed()

    def prove_staged(self, device: str, slot: KeySlot) -> None:
        entry = self._entry(device, slot)
        if entry.staged is None:
            raise ValueError(f"{device}: no {slot} key is staged")
        entry.current, entry.staged, entry.previous = entry.staged, None, entry.current
        self._changed()

    def previous(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).previous

    def retire_previous(self, device: str, slot: KeySlot) -> None:
        self._entry(device, slot).previous = None
        self._changed()

    def drop_staged(self, device: str, slot: KeySlot) -> None:
        self._entry(device, slot).staged = None
        self._changed()

    def stage_back(self, device: str, slot: KeySlot, key: Secret) -> None:
        entry = self._entry(device, slot)
        if entry.staged is None and key != entry.current:
            entry.staged = key
            self._changed()

    def prove_back(self, device: str, slot: KeySlot, key: Secret) -> None:
        entry = self._entry(device, slot)
        before = (entry.staged, entry.current, entry.previous)
        others = [each for each in before if each is not None and each != key]
        entry.current, entry.staged = key, None
        entry.previous = others[0] if others else None
        self._changed()

    def disprove(self, device: str, slot: KeySlot) -> None:
        """The device was proven to hold another key than the current one: that is let go."""
        self._entry(device, slot).current = None
        self._changed()

    def saw_counter(self, device: str, counter: int) -> None:
        """The device has seen this command counter: the next ones are above it."""
        self._counters[device] = max(counter, self._counters.get(device, 0))

    def next_counter(self, device: str) -> int:
        counter = self._counters.get(device, 0) + 1
        self._counters[device] = counter
        return counter
