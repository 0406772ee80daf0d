"""Acts on a device whose answer may be lost, each with the question that settles it.

An act is sent once. Whether it was answered or not, the device is asked what is so, until it is or
the patience is at an end. Each of these functions

- returns when the act was *proven* done;
- raises a `PeerError` other than `Ambiguous` when it is certain that it was not;
- raises `Ambiguous` when it was not answered and is not so: it may be done yet, and sending it
  again would do it twice.

Keys have their own way (`bench.migration.key_rotation`), and so has the account
(`bench.migration.account`); the SMI's record is asked for (`bench.migration.smi`), and a relay is
read back by whoever switches it (`bench.devices.PowerSwitch`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bench.effects import Effects
from bench.errors import Ambiguous, PeerError, Refused
from bench.units import SECOND, Micros


@dataclass(frozen=True, slots=True)
class Patience:
    """Questions come `interval` microseconds apart, at most `tries` of them."""

    interval: Micros
    tries: int


def reboot_hub(effects: Effects, hub: str, patience: Patience) -> None:
    """Restarts the hub; its count of power-ups tells. Raises as the module says."""
    device = effects.hub(hub)
    before = device.diagnostics().power_ups

    def restarted() -> bool:
        return device.diagnostics().power_ups > before

    _settle(effects, device.reboot, restarted, (hub, "reboot"), patience)


def let_join(effects: Effects, hub: str, eui64: str, patience: Patience) -> None:
    """Lets a device join the hub's HAN again and closes the HAN after it; the HAN table tells.

    The join window is as long as the patience; an answer or not, it is told to close, and closes
    by itself if it does not hear it. Raises as the module says.
    """
    device = effects.hub(hub)
    window = patience.interval * patience.tries // SECOND

    def joined() -> bool:
        return any(row.eui64 == eui64 and row.joined for row in device.han_devices())

    try:
        _settle(effects, lambda: device.permit_join(window), joined, (hub, "permit_join"), patience)
    finally:
        _close_han(effects, hub, patience)


def set_clock(effects: Effects, meter: str, tolerance: Micros, patience: Patience) -> None:
    """Sets a meter's clock right; reading it tells. Raises as the module says."""
    device = effects.meter(meter)

    def right() -> bool:
        return abs(device.read_clock() - effects.now()) <= tolerance

    _settle(effects, lambda: device.set_clock(effects.now()), right, (meter, "set_clock"), patience)


def _close_han(effects: Effects, hub: str, patience: Patience) -> None:
    for _ in range(patience.tries):
        with suppress(PeerError):
            effects.hub(hub).permit_join(0)
            return
        effects.sleep_until(effects.now() + patience.interval)


def _settle(
    effects: Effects,
    act: Callable[[], None],
    is_so: Callable[[], bool],
    named: tuple[str, str],
    patience: Patience,
) -> None:
    answered = True
    try:
        act()
    except Ambiguous:
        answered = False
    for _ in range(patience.tries):
        with suppress(PeerError):
            if is_so():
                return
        effects.sleep_until(effects.now() + patience.interval)
    if answered:
        raise Refused(*named, "acknowledged, and it is not so", code="not-done")
    raise Ambiguous(*named, "nor is it so; it may be done yet")
