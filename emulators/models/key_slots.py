"""The keys a device holds, with the defences around them.

A counter that is not above the newest seen is refused, so a command that was recorded and played
again does nothing. Wrong keys lock the device for a while, and while it is locked it proves
nothing, not even the right key. Versions, counters and the lockout outlive a reboot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bench.devices import KeySlot, KeyState
from bench.emulation import KeyTruth
from bench.secret import Secret
from bench.units import Micros, format_instant
from emulators.models.kept import NEWEST, KeptKey, KeptKeys, LogLine
from emulators.models.rejection import Rejected

_KEY_OCTETS: Final = 16


class _HeldKey:
    __slots__ = ("counter", "key", "version")

    def __init__(self, key: Secret) -> None:
        self.key = key
        self.version = 1
        self.counter = 0


class KeySlots:
    """Key bytes stay inside `Secret`; check values are worked out when somebody asks.

    `lockout_after` wrong keys in a row lock the device for `lockout_for`; the right key sets the
    count back to zero.
    """

    __slots__ = ("_held", "_lockout_after", "_lockout_for", "_log", "_wrong", "locked_until")

    def __init__(
        self, keys: Iterable[tuple[KeySlot, Secret]], lockout_after: int, lockout_for: Micros
    ) -> None:
        self._held = {slot: _HeldKey(key) for slot, key in keys}
        self._lockout_after = lockout_after
        self._lockout_for = lockout_for
        self._wrong = 0
        self._log: list[tuple[Micros, str]] = []
        self.locked_until: Micros | None = None

    def state(self, slot: KeySlot) -> KeyState:
        held = self._slot(slot)
        return KeyState(slot, held.version, held.key.check_value, held.counter)

    def prove(self, slot: KeySlot, key: Secret, now: Micros) -> bool:
        """True if the slot holds `key`; a wrong one counts towards the lockout."""
        return self.answer_proof(slot, self._slot(slot).key.matches(key), now)

    def answer_proof(self, slot: KeySlot, fits: bool, now: Micros) -> bool:
        """The same where the caller has compared: `fits` says whether the right key was shown."""
        self._slot(slot)
        self._refuse_while_locked(now)
        if fits:
            self._wrong = 0
            return True
        self._wrong += 1
        self._log.append((now, f"{slot}: wrong key, {self._wrong} in a row"))
        if self._wrong >= self._lockout_after:
            self._wrong = 0
            self.locked_until = now + self._lockout_for
            self._log.append((now, f"locked until {format_instant(self.locked_until)}"))
        return False

    def rotate(self, slot: KeySlot, new: Secret, counter: int, now: Micros) -> None:
        """The slot holds `new` from now on. Raises `Rejected` and changes nothing otherwise."""
        held = self._slot(slot)
        self._refuse_while_locked(now)
        self.refuse_older(slot, counter, now)
        held.key = new
        held.version += 1
        held.counter = counter
        self._log.append((now, f"{slot}: rotated to version {held.version}"))

    def use_up(self, slot: KeySlot, counter: int, now: Micros) -> None:
        """A command whose key was not taken: only its counter is. Raises `Rejected` as `rotate`."""
        self._refuse_while_locked(now)
        self.refuse_older(slot, counter, now)
        self._slot(slot).counter = counter

    def refuse_older(self, slot: KeySlot, counter: int, now: Micros) -> None:
        """Raises `Rejected` and notes it unless `counter` is above the newest seen."""
        held = self._slot(slot)
        if counter <= held.counter:
            self._log.append((now, f"{slot}: counter {counter} refused, {held.counter} was seen"))
            raise Rejected("counter-not-newer", f"{counter}, and {held.counter} was seen")

    def forget(self, factory_keys: Mapping[KeySlot, Secret], now: Micros) -> None:
        """A factory reset: each slot holds its factory key, as version 0 with no counter seen."""
        for slot, held in self._held.items():
            held.key = factory_keys[slot]
            held.version = 0
            held.counter = 0
        self._log.append((now, "factory reset"))

    def held(self, slot: KeySlot) -> Secret:
        """The key itself, for the wire server that works with it."""
        return self._slot(slot).key

    def locked(self, now: Micros) -> bool:
        return self.locked_until is not None and now < self.locked_until

    @property
    def slots(self) -> tuple[KeySlot, ...]:
        return tuple(self._held)

    @property
    def security_log(self) -> tuple[str, ...]:
        return tuple(f"{format_instant(at)} {text}" for at, text in self._log)

    def kept(self) -> KeptKeys:
        """With the bytes of the keys: for a file that only its owner may read."""
        return KeptKeys(
            {
                slot: KeptKey(held.key.reveal().hex(), held.version, held.counter)
                for slot, held in self._held.items()
            },
            self._wrong,
            self.locked_until,
            tuple(LogLine(at, text) for at, text in self._log[-NEWEST:]),
        )

    def recall(self, kept: KeptKeys) -> None:
        """ValueError: other slots than this device has, or what is no key."""
        if set(kept.slots) != set(self._held):
            raise ValueError(f"keys: expected {', '.join(self._held) or 'none'}")
        keys = {}
        for slot, one in kept.slots.items():
            try:
                octets = bytes.fromhex(one.key)
            except ValueError:
                octets = b""
            if len(octets) != _KEY_OCTETS:
                raise ValueError(f"keys: {slot}: expected {2 * _KEY_OCTETS} hexadecimal digits")
            keys[slot] = Secret(octets, self._held[slot].key.label)
        for slot, one in kept.slots.items():
            held = self._held[slot]
            held.key, held.version, held.counter = keys[slot], one.version, one.counter
        self._wrong, self.locked_until = kept.wrong_in_a_row, kept.locked_until
        self._log = [(line.at, line.text) for line in kept.log]

    def truth(self) -> dict[KeySlot, KeyTruth]:
        return {
            slot: KeyTruth(held.version, held.key.check_value, held.counter)
            for slot, held in self._held.items()
        }

    def _slot(self, slot: KeySlot) -> _HeldKey:
        held = self._held.get(slot)
        if held is None:
            raise Rejected("no-such-key", f"this device has no {slot} key")
        return held

    def _refuse_while_locked(self, now: Micros) -> None:
        if self.locked_until is not None and self.locked(now):
            raise Rejected("locked-out", f"until {format_instant(self.locked_until)}")
