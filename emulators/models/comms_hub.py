"""The communications hub: WAN, HAN table and the mirror of sleepy meters."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.devices import HanDevice, HubDiagnostics, RegisterReading, WanState
from bench.emulation import DeviceTruth
from bench.installation import DeviceSpec
from bench.units import MINUTE, SECOND, Micros
from emulators.models.device import EmulatedDevice
from emulators.models.gas_meter import GasMeter
from emulators.models.han import HanLink
from emulators.models.kept import KeptDevice, KeptHub
from emulators.models.meter import Meter
from emulators.models.rejection import Rejected
from emulators.models.wan import WanLink

LAST_GASP_GAP: Final = 10 * MINUTE
"""A last-gasp message is lost when the outage before began less than this ago (Liberty 100)."""


class CommsHub(EmulatedDevice):
    """Everything in the HAN hangs on it: while it is down, the WAN and every HAN link are too.

    A device that left the HAN joins again when it speaks while the join window is open. The HAN
    table and the mirror outlive a restart; when devices were heard does not.
    """

    __slots__ = ("_cut_before", "_join_until", "last_gasps", "links", "wan")

    def __init__(self, spec: DeviceSpec, clock: Clock) -> None:
        super().__init__(spec, clock)
        self.wan = WanLink(sleeps=spec.emulation.wan_sleeps)
        self.links: dict[str, tuple[EmulatedDevice, HanLink]] = {}
        self.last_gasps = 0
        self._join_until = 0
        self._cut_before: Micros | None = None

    def attach(self, device: EmulatedDevice, every: Micros, phase: Micros) -> None:
        """The device has been a member of this HAN for long."""
        link = HanLink(self, device, every, phase, self.clock.now())
        device.link = link
        self.links[device.spec.eui64] = (device, link)

    def wan_state(self) -> WanState:
        return self.wan.state()

    def wake(self) -> None:
        arrived = self.wan.wake_ups
        self.wan.send_wake_up()
        self.count("wake")
        if self.wan.wake_ups > arrived:
            self.announce("message", count=str(self.wan.wake_ups))

    def han_devices(self) -> tuple[HanDevice, ...]:
        now = self.clock.now()
        return tuple(
            HanDevice(eui64, device.spec.role, link.joined, link.last_heard(now))
            for eui64, (device, link) in self.links.items()
        )

    def permit_join(self, seconds: int) -> None:
        """Opens the join window for that long from now, in place of any other; 0 closes it."""
        if seconds < 0:
            raise Rejected("bad-parameter", f"a join window of {seconds} s")
        self._open_join_window(self.clock.now() + seconds * SECOND)
        self.count("permit_join")

    def remove_device(self, eui64: str) -> None:
        device, link = self._member(eui64)
        if not link.joined:
            raise Rejected("not-joined", eui64)
        self._leave(device, link)
        self.count("remove_device")

    def reboot(self) -> None:
        """Goes down at once; counted before it does."""
        self.count("reboot")
        self.restart()

    def mirrored_registers(self, eui64: str) -> RegisterReading:
        device, link = self._member(eui64)
        if not isinstance(device, GasMeter):
            raise Rejected("not-mirrored", f"{eui64} is not a sleepy meter")
        at = link.copy_at(self.clock.now())
        if at is None:
            raise Rejected("no-mirrored-data", f"nothing of {eui64} is held")
        return device.reading(at)

    def diagnostics(self) -> HubDiagnostics:
        uptime = self.clock.now() - self.up_since
        return HubDiagnostics(self.power_ups, uptime, self.last_gasps)

    def cut_power(self) -> None:
        """A last-gasp message goes out, if the WAN takes it and the outage before was long ago."""
        now = self.clock.now()
        if self.up:
            recent = self._cut_before is not None and now - self._cut_before < LAST_GASP_GAP
            self.last_gasps += self.wan.connected and not recent
            self._cut_before = now
        super().cut_power()

    def reset_to_factory(self) -> None:
        """An empty HAN table, no mirror, a closed join window, a modem as new."""
        for device, link in self.links.values():
            self._leave(device, link)
        self._join_until = 0
        self.wan.restart()

    def kept(self) -> KeptDevice:
        now = self.clock.now()
        own = KeptHub(
            {eui64: link.kept(now) for eui64, (_, link) in self.links.items()},
            self.wan.dormant,
            self.wan.wake_ups,
            self.wan.sent,
            self.last_gasps,
            self._join_until,
        )
        return replace(super().kept(), hub=own)

    def recall(self, kept: KeptDevice) -> None:
        """After every other device of the HAN."""
        super().recall(kept)
        own = kept.hub
        if own is None or set(own.links) != set(self.links):
            raise ValueError("hub: expected a hub's state, with a link to each of its devices")
        now = self.clock.now()
        for eui64, link in own.links.items():
            self.links[eui64][1].recall(link, now)
        self.wan.recall(dormant=own.dormant, wake_ups=own.wake_ups, sent=own.sent)
        self.last_gasps = own.last_gasps
        if own.join_until > now and self.up and kept.up:
            self._open_join_window(own.join_until)

    def electricity(self) -> tuple[Meter, HanLink] | None:
        """The electricity meter of this HAN, whose data the display shows."""
        for device, link in self.links.values():
            if isinstance(device, Meter) and not isinstance(device, GasMeter):
                return device, link
        return None

    def gas(self) -> tuple[GasMeter, HanLink] | None:
        """The gas meter of this HAN, of which the display shows the mirror."""
        for device, link in self.links.values():
            if isinstance(device, GasMeter):
                return device, link
        return None

    def truth(self) -> DeviceTruth:
        return DeviceTruth(
            keys={},
            executed=dict(self.executed),
            wake_ups=self.wan.sent,
            power_cuts=self.power_cuts,
            power_ups=self.power_ups,
            up_since=self.up_since,
        )

    def _member(self, eui64: str) -> tuple[EmulatedDevice, HanLink]:
        member = self.links.get(eui64)
        if member is None:
            raise Rejected("unknown-device", eui64)
        return member

    def _leave(self, device: EmulatedDevice, link: HanLink) -> None:
        link.joined = False
        link.update(self.clock.now())
        link.forget_copy()
        self.announce("left", eui64=device.spec.eui64)

    def _open_join_window(self, until: Micros) -> None:
        self._join_until = until
        now = self.clock.now()
        for device, link in self.links.values():
            speaks = link.next_message(now)
            if not link.joined and speaks < until:
                self.clock.call_at(speaks, partial(self._join, device, link))

    def _join(self, device: EmulatedDevice, link: HanLink) -> None:
        able = self.up and device.up and link.speaks and not link.barred
        if able and self.clock.now() < self._join_until:
            link.joined = True
            link.update(self.clock.now())
            self.announce("joined", eui64=device.spec.eui64)

    def _power_changed(self) -> None:
        super()._power_changed()
        now = self.clock.now()
        for _, link in self.links.values():
            link.update(now)
            if not self.up:
                link.forget_heard()
        if not self.up:
            self._join_until = 0
            self.wan.restart()
