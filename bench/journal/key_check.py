"""Whether the devices are still those that the run left, by their keys, before it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.devices import Identity, KeySlot, Meter
from bench.errors import PeerError, UsageError
from bench.secret import Secret


def refuse_strangers(known: Mapping[str, Identity], refusing: Sequence[str]) -> None:
    """Raises `UsageError` where a device that said who it was when the scenario began now answers
    and does not accept the keys it accepted then.
    """
    moved = [
        f"cannot be resumed: {name} was {known[name].eui64} and does not accept its keys any more"
        for name in refusing
        if name in known
    ]
    if moved:
        raise UsageError(
            moved, hint="plug back what was there, or look into who has changed its keys"
        )


def refuse_other_keys(
    ring: Mapping[str, Mapping[str, Secret]], meters: Mapping[str, Meter]
) -> None:
    """Raises `UsageError` where a meter holds a key that it cannot have got from this run.

    The key that the meter itself states is the only one it is asked to prove, so that no wrong key
    is counted towards its lockout. One that does not answer is left to the process to settle.
    """
    moved = []
    for name, meter in meters.items():
        states = ring.get(f"{name}/{KeySlot.SUA}", {})
        # Once it is proven that the meter holds the current key, only a staged one can follow.
        possible = [states[state] for state in ("current", "staged") if state in states]
        if possible and not _holds_any(meter, possible):
            known = ", ".join(key.check_value for key in possible)
            moved.append(f"cannot be resumed: {name} holds none of the run's keys ({known})")
    if moved:
        raise UsageError(
            moved, hint="somebody else has changed its key, or it is another meter: look into it"
        )


def _holds_any(meter: Meter, keys: list[Secret]) -> bool:
    try:
        stated = meter.key_state(KeySlot.SUA).check_value
        return any(key.check_value == stated and meter.prove_key(KeySlot.SUA, key) for key in keys)
    except PeerError:
        return True
