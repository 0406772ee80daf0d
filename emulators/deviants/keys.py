"""Electricity meters that misbehave with keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.devices import KeySlot, PaymentMode, Role
from bench.installation import DeviceSpec
from bench.invariant import Invariant
from bench.secret import Secret
from bench.units import HOUR, MINUTE, Micros
from emulators.deviants.registry import deviant
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.rejection import Rejected, WentSilent

_METER: Final = Role.ELECTRICITY_METER
_NO_KEY: Final = Secret(bytes(16), "no key")


@deviant(_METER, Invariant.ACKNOWLEDGED)
class AcknowledgesBeforeCommit(ElectricityMeter):
    """Acknowledges a new key at once and takes it a minute later."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self.keys.refuse_older(slot, counter, self.clock.now())
        _later(self, MINUTE, partial(super().rotate_key, slot, new, counter))


@deviant(_METER, Invariant.ACKNOWLEDGED)
class ReportsSuccessAndDoesNothing(ElectricityMeter):
    """Acknowledges a new key and keeps the old one."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        return


@deviant(_METER, Invariant.KEY_LOST)
class ForgetsTheOldKeyAtOnce(ElectricityMeter):
    """Forgets the key it holds when a new one comes, and takes the new one an hour later."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self.keys.refuse_older(slot, counter, self.clock.now())
        self.keys.forget(dict.fromkeys(self.keys.slots, _NO_KEY), self.clock.now())
        _later(self, HOUR, partial(super().rotate_key, slot, new, counter))


@deviant(_METER, Invariant.COUNTER)
class AcceptsAReplayedCounter(ElectricityMeter):
    """Takes a key command whatever its counter is, also one it has seen or that is older."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        _forget_counters(self)
        super().rotate_key(slot, new, counter)


@deviant(_METER, Invariant.COUNTER)
class ForgetsItsCounterOnReboot(ElectricityMeter):
    """Forgets at a restart which counter it saw last, so that old commands are good again."""

    __slots__ = ()

    def _come_up(self) -> None:
        _forget_counters(self)
        super()._come_up()


def _later(meter: ElectricityMeter, span: Micros, commit: Callable[[], None]) -> None:
    def take() -> None:
        with suppress(Rejected):  # a newer command came meanwhile
            commit()

    meter.clock.call_at(meter.clock.now() + span, take)


def _forget_counters(meter: ElectricityMeter) -> None:
    held = {slot: meter.keys.held(slot) for slot in meter.keys.slots}
    meter.keys.forget(held, meter.clock.now())


@deviant(_METER, Invariant.LOCKED)
class LocksAtTheFirstWrongKey(ElectricityMeter):
    """Locks for 24 h when it is shown one wrong key, where three are allowed."""

    __slots__ = ()

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        strict = replace(spec, emulation=replace(spec.emulation, lockout_after=1))
        super().__init__(strict, clock, mode, keys)


@deviant(_METER, Invariant.FALSE_PROOF)
class ProvesAnyKey(ElectricityMeter):
    """Says yes to every key that it is asked to prove."""

    __slots__ = ()

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        return self.keys.answer_proof(slot, True, self.clock.now())


@deviant(_METER, Invariant.KEY_DENIED)
class DeniesEverySecondProof(ElectricityMeter):
    """Denies the key it holds every second time it is asked to prove it."""

    __slots__ = ("_asked",)

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock, mode, keys)
        self._asked = 0

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        return super().prove_key(slot, key) and not self.denies_proof()

    def denies_proof(self) -> bool:
        self._asked += 1
        return self._asked % 2 == 0


@deviant(_METER, Invariant.REFUSED)
class FailsOnlyOnTheFifthAttempt(ElectricityMeter):
    """Refuses the fifth new key that it is sent, and no other."""

    __slots__ = ("_sent",)

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock, mode, keys)
        self._sent = 0

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self._sent += 1
        if self._sent == 5:
            raise Rejected("internal-error", "the fifth")
        super().rotate_key(slot, new, counter)


@deviant(_METER, Invariant.UNANSWERED)
class TakesAKeyInSilence(ElectricityMeter):
    """Takes a new key and never answers the command that brought it."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        raise WentSilent


@deviant(_METER, Invariant.RESTARTED)
class RebootsOnEveryLongFrame(ElectricityMeter):
    """Restarts on each command as long as one that carries a key, and does not carry it out."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self.restart()
        raise WentSilent
