"""Faults of the networks around the hub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bench.devices import Role
from emulators.faults.registry import ALL_ROLES, Family, Option, Strike, Undo, state_fault
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.han import HanLink

_HUB: Final = frozenset({Role.COMMS_HUB})


@state_fault(Family.NETWORK, _HUB, Option.LASTS)
def wan_outage(hub: CommsHub, strike: Strike) -> Undo:
    """The wide-area network is out; no SMS arrives either."""
    wan = hub.wan
    wan.outages += 1

    def end() -> None:
        wan.outages -= 1

    return end


@state_fault(Family.NETWORK, _HUB)
def wan_never(hub: CommsHub, strike: Strike) -> None:
    """There is no wide-area network where the hub is, and there never will be."""
    hub.wan.none = True


@state_fault(Family.NETWORK, _HUB)
def wan_dormant(hub: CommsHub, strike: Strike) -> None:
    """The hub's modem falls dormant until an SMS wakes it."""
    hub.wan.dormant = True


@state_fault(Family.NETWORK, _HUB, Option.TIMES)
def sms_lost(hub: CommsHub, strike: Strike) -> None:
    """The next `times` wake-up SMS are sent, paid for and lost."""
    hub.wan.messages_to_lose += strike.spec.times


@state_fault(Family.NETWORK, _HUB, Option.TIMES)
def sms_doubled(hub: CommsHub, strike: Strike) -> None:
    """Each of the next `times` wake-up SMS that arrive does so twice; one was paid for."""
    hub.wan.messages_to_double += strike.spec.times


@state_fault(Family.NETWORK, ALL_ROLES - _HUB, Option.LASTS)
def han_loss(device: EmulatedDevice, strike: Strike) -> Undo:
    """Hub and device do not hear each other."""
    assert device.link is not None, "the registry lets only members of the HAN be targets"
    return _disturb([device.link], device)


@state_fault(Family.NETWORK, ALL_ROLES - _HUB, Option.LASTS)
def han_left(device: EmulatedDevice, strike: Strike) -> Undo:
    """The device is no longer joined to the hub's HAN; while it lasts it does not join again."""
    assert device.link is not None, "the registry lets only members of the HAN be targets"
    link = device.link
    was_joined = link.joined
    link.barred += 1
    link.joined = False
    link.update(device.clock.now())

    def end() -> None:
        link.barred -= 1
        link.joined = was_joined and not link.barred
        link.update(device.clock.now())

    return end


@state_fault(Family.NETWORK, _HUB, Option.LASTS)
def han_loss_all(hub: CommsHub, strike: Strike) -> Undo:
    """The hub hears none of its devices, nor they it."""
    return _disturb([link for _, link in hub.links.values()], hub)


def _disturb(links: Iterable[HanLink], device: EmulatedDevice) -> Undo:
    links = tuple(links)

    def change(by: int) -> None:
        for link in links:
            link.losses += by
            link.update(device.clock.now())

    change(1)
    return lambda: change(-1)
