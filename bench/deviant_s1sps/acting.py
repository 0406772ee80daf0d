"""S1SPs that do not do what they should, or do it without knowing what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from bench.deviant_s1sps.form import S1sp, breaks
from bench.deviant_s1sps.retrying import changed
from bench.devices import Device, HasKeys, KeySlot, KeyState
from bench.errors import Ambiguous
from bench.mehrs.strategy import Strategy
from bench.parties import Dsp, Holder, Parties, Smso
from bench.secret import Secret
from bench.trace import Account, Event, Incident, Key

_NEWEST: Final = 2**31


@breaks("BENCH-key-proof")
class RollsBackWithoutProof(S1sp):
    """Takes a key command without an answer for one that did nothing: it gives up and switches the
    account back, and asks the meter for no proof.
    """

    def __init__(self) -> None:
        self._assumed: set[str] = set()

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, ("3.3.repeats",), lambda _: 0)

    def devices(self, devices: Mapping[str, Device]) -> Mapping[str, Device]:
        return {
            name: cast(Device, _Assuming(name, device, self._assumed))
            if hasattr(device, "rotate_key")
            else device
            for name, device in devices.items()
        }

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Key) and event.device in self._assumed:
            return (replace(event, proof="none"),)
        return (event,)


class _Assuming:
    """A meter as this S1SP deals with it: after a command without an answer it is not asked."""

    def __init__(self, name: str, meter: Device, assumed: set[str]) -> None:
        self._name = name
        self._meter = cast(HasKeys, meter)
        self._assumed = assumed
        self._old: Secret | None = None

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._meter, operation)

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        if self._name in self._assumed:
            return
        try:
            self._meter.rotate_key(slot, new, counter)
        except Ambiguous:
            self._assumed.add(self._name)
            raise

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        if self._name in self._assumed:
            return key == self._old
        proven = self._meter.prove_key(slot, key)
        if proven:
            self._old = key
        return proven

    def key_state(self, slot: KeySlot) -> KeyState:
        state = self._meter.key_state(slot)
        if self._name in self._assumed and self._old is not None:
            return replace(state, check_value=self._old.check_value, counter=_NEWEST)
        return state


@breaks("2.5.5-switch-back")
class ForgetsTheSwitchBack(S1sp):
    """Leaves the account with DCC where it should switch it back, and closes all the same."""

    def parties(self, parties: Parties) -> Parties:
        return replace(parties, smso=cast(Smso, _NotAskedBack(parties.smso)))

    def tells(self, event: Event) -> Iterable[Event]:
        forgotten = isinstance(event, Account) and event.holder == Holder.SMSO
        return () if forgotten else (event,)


class _NotAskedBack:
    def __init__(self, smso: Smso) -> None:
        self._smso = smso
        self._forgotten = False

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._smso, operation)

    def take_account_back(self) -> None:
        self._forgotten = True

    def account_holder(self) -> Holder:
        return Holder.SMSO if self._forgotten else self._smso.account_holder()


@breaks("2.6.6-incident")
class RaisesNoIncident(S1sp):
    """Raises no incident when the CHF cannot be updated, and waits for its resolution."""

    def parties(self, parties: Parties) -> Parties:
        return replace(parties, dsp=cast(Dsp, _NoDesk(parties.dsp)))

    def tells(self, event: Event) -> Iterable[Event]:
        return () if isinstance(event, Incident) else (event,)


class _NoDesk:
    def __init__(self, dsp: Dsp) -> None:
        self._dsp = dsp

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._dsp, operation)

    def raise_incident(self, summary: str) -> tuple[str, str]:
        return ("never raised", "DSP")
