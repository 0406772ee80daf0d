"""Which keys the bench holds for which device, and which of them are proven.

While a rotation is under way both the old and the new key are kept, until one is *proven* to be
the one the device holds. Nothing here is ever printed: `Secret` shows check values only.
"""

from __future__ import annotations

from dataclasses import dataclass
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

    def next_counter(self, device: str) -> int:
        """A command counter above every one handed out before; never handed out twice."""


@dataclass(slots=True)
class _Entry:
    current: Secret | None
    staged: Secret | None = None
    previous: Secret | None = None


class MemoryKeyRing:
    """A key ring for emulated kit with test keys: it is gone with the process."""

    def __init__(self, keys: dict[tuple[str, KeySlot], Secret]) -> None:
        self._entries = {place: _Entry(key) for place, key in keys.items()}
        self._counters: dict[str, int] = {}

    def _entry(self, device: str, slot: KeySlot) -> _Entry:
        return self._entries.setdefault((device, slot), _Entry(None))

    def current(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).current

    def staged(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).staged

    def stage(self, device: str, slot: KeySlot, new: Secret) -> None:
        self._entry(device, slot).staged = new

    def prove_staged(self, device: str, slot: KeySlot) -> None:
        entry = self._entry(device, slot)
        if entry.staged is None:
            raise ValueError(f"{device}: no {slot} key is staged")
        entry.current, entry.staged, entry.previous = entry.staged, None, entry.current

    def previous(self, device: str, slot: KeySlot) -> Secret | None:
        return self._entry(device, slot).previous

    def retire_previous(self, device: str, slot: KeySlot) -> None:
        self._entry(device, slot).previous = None

    def drop_staged(self, device: str, slot: KeySlot) -> None:
        self._entry(device, slot).staged = None

    def next_counter(self, device: str) -> int:
        counter = self._counters.get(device, 0) + 1
        self._counters[device] = counter
        return counter
