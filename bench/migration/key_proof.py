"""Which key a meter holds: by cryptographic proof, within what its lockout allows.

A wrong key counts at the meter, and after a few in a row it locks for a day. So every probe is
kept account of (`Probes`): whatever was denied since the last proof, and whatever was not answered
and so may yet arrive, may be one wrong key more. Once the budget is used up only the key that the
meter itself states is probed, and only while no command on its way can change it.
"""

from __future__ import annotations

from bench.devices import KeySlot
from bench.errors import PeerError, Refused
from bench.installation import DeviceSpec
from bench.migration.case import Case, Probes
from bench.parties import Actor
from bench.secret import Secret
from bench.trace import Key

SUA = KeySlot.SUA


def probe(case: Case, device: DeviceSpec, key: Secret) -> bool:
    """Asks the meter to prove `key`. Raises a `PeerError` where it does not answer."""
    probes = case.probes.setdefault(device.name, Probes())
    try:
        proven = case.meter(device).prove_key(SUA, key)
    except Refused:  # it did not look at the key
        raise
    except PeerError:
        probes.unanswered += 1
        raise
    probes.denied = 0 if proven else probes.denied + 1
    return proven


def may_be_wrong(case: Case, device: DeviceSpec) -> bool:
    """Whether one more wrong key would not lock the meter."""
    probes = case.probes.get(device.name, Probes())
    return probes.denied + probes.unanswered < case.defaults.count("wrong-keys")


def settle(
    case: Case, device: DeviceSpec, wanted: Secret, other: Secret, *, answered: bool
) -> Secret | None:
    """The one of the two keys that the meter was proven to hold; None: neither was proven.

    `answered`: the command that the doubt is about was, and so is not on its way. Nothing is
    probed before the meter answers a question that costs nothing. `wanted` is probed first; a key
    that was denied is probed again only where the meter states that it holds it.
    """
    record(case, device, "unknown", "none")
    untried = [wanted, other]
    for _ in range(case.defaults.count("settle-tries")):
        try:
            case.meter(device).key_state(SUA)
            held = _first_proven(case, device, untried)
            if held is None and (answered or may_be_wrong(case, device)):
                held = _stated(case, device, wanted, other)
            return held
        except PeerError:
            pause = case.defaults.duration("settle-interval")
            case.effects.sleep_until(case.effects.now() + pause)
    return None


def _first_proven(case: Case, device: DeviceSpec, untried: list[Secret]) -> Secret | None:
    """The first key that the meter proves, within the budget. Strikes off what it denies."""
    while untried and may_be_wrong(case, device):
        if probe(case, device, untried[0]):
            return untried[0]
        del untried[0]
    return None


def _stated(case: Case, device: DeviceSpec, *keys: Secret) -> Secret | None:
    """The key that the meter states to hold, if it proves it."""
    stated = case.meter(device).key_state(SUA).check_value
    for key in keys:
        if key.check_value == stated and probe(case, device, key):
            return key
    return None


def newest_command(case: Case, device: DeviceSpec) -> int:
    """The newest counter the meter has seen; it refuses every command that is not above it.

    Asked until it answers; 0 when it never does.
    """
    for _ in range(case.defaults.count("settle-tries")):
        try:
            return case.meter(device).key_state(SUA).counter
        except PeerError:
            pause = case.defaults.duration("settle-interval")
            case.effects.sleep_until(case.effects.now() + pause)
    return 0


def record(case: Case, device: DeviceSpec, state: str, proof: str) -> None:
    """Writes what is known of the meter's key into the trace."""
    case.told[device.name] = state
    case.emit(Key, device=device.name, key=SUA, state=state, proof=proof, actor=Actor.S1SP)
