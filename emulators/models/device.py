"""What every emulated device has: an identity, power, a place in the HAN, a count of its acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bench.clock import Appointment, Clock
from bench.devices import Identity
from bench.emulation import DeviceTruth, marked_emulated
from bench.installation import DeviceSpec
from bench.units import Micros
from emulators.models.han import HanLink
from emulators.models.kept import NEWEST, KeptDevice, Span

_LEFT_OPEN: Final = "EMULATED"

Watcher = Callable[[str, Mapping[str, str]], None]
"""Is told what a device does unasked: its name (`started`, `joined`) and what goes with it."""


class EmulatedDevice:
    """On, off or rebooting. Subclasses say in `_power_changed` what hangs on it.

    A reboot takes the device's `reboot_takes`; a cut lasts until it is restored, and several cuts
    at once until the last of them is. After either the device boots. `executed` counts the
    operations that changed something and were carried out, whether or not anybody heard of it.
    `watchers` are told of what a device announces by itself; a wire server puts it on the line.
    """

    __slots__ = (
        "_boot",
        "_cuts",
        "_identity",
        "_power_cuts",
        "clock",
        "executed",
        "link",
        "power_ups",
        "spec",
        "up",
        "up_since",
        "watchers",
    )

    def __init__(self, spec: DeviceSpec, clock: Clock) -> None:
        self.spec = spec
        self.clock = clock
        self.up = True
        self.up_since = clock.now()
        self.power_ups = 1
        self.executed: dict[str, int] = {}
        self.link: HanLink | None = None
        self._boot: Appointment | None = None
        self._cuts = 0
        self._identity: Identity | None = None
        self._power_cuts: list[tuple[Micros, Micros | None]] = []
        self.watchers: list[Watcher] = []

    def identity(self) -> Identity:
        """What the installation leaves open is `EMULATED`."""
        spec = self.spec
        if self._identity is None or self._identity.eui64 != spec.eui64:  # another device's place
            self._identity = Identity(
                spec.role,
                spec.serial_number or _LEFT_OPEN,
                spec.eui64,
                marked_emulated(spec.manufacturer),
                spec.model,
                spec.firmware or _LEFT_OPEN,
            )
        return self._identity

    def answers_at(self, now: Micros) -> Micros | None:
        """From when on the device will take a request; None: not as things stand."""
        return now if self.up else None

    @property
    def powered(self) -> bool:
        """False while the power is cut; a rebooting device is powered."""
        return not self._cuts

    @property
    def joined(self) -> bool | None:
        """Whether it is a member of a HAN; None: it has no place in one."""
        return None if self.link is None else self.link.joined

    @property
    def power_cuts(self) -> tuple[tuple[Micros, Micros | None], ...]:
        """Spans without power, oldest first; the last may still be open."""
        return tuple(self._power_cuts)

    def restart(self) -> None:
        """Goes down now and comes up after `reboot_takes`; without power there is nothing to do."""
        if self.powered:
            self._go_down()
            self._boot_later()

    def cut_power(self) -> None:
        self._cuts += 1
        if self._cuts == 1:
            self._power_cuts.append((self.clock.now(), None))
            if self._boot is not None:
                self._boot.cancel()
            self._go_down()

    def restore_power(self) -> None:
        self._cuts -= 1
        if not self._cuts:
            self._power_cuts[-1] = (self._power_cuts[-1][0], self.clock.now())
            self._boot_later()
            self._power_changed()

    def truth(self) -> DeviceTruth:
        return DeviceTruth(
            keys={},
            executed=dict(self.executed),
            power_cuts=self.power_cuts,
            power_ups=self.power_ups,
            up_since=self.up_since,
            joined=self.joined,
        )

    def kept(self) -> KeptDevice:
        """What outlives this program."""
        return KeptDevice(
            self.spec.eui64,
            dict(self.executed),
            self.power_ups,
            self.up,
            self._cuts,
            tuple(Span(*cut) for cut in self._power_cuts[-NEWEST:]),
        )

    def recall(self, kept: KeptDevice) -> None:
        """To be called before anybody asks the device anything. A boot is over by now.

        ValueError: the state is not that of a device like this one.
        """
        if kept.cuts < 0 or bool(kept.cuts) != any(cut.until is None for cut in kept.power_cuts):
            raise ValueError("power-cuts: expected an open one while the power is cut, else none")
        self.executed = dict(kept.executed)
        self._cuts = kept.cuts
        self._power_cuts = [(cut.since, cut.until) for cut in kept.power_cuts]
        self.up = not kept.cuts
        self.power_ups = kept.power_ups + (self.up and not kept.up)
        if self.link is not None:
            self.link.update(self.clock.now())

    def count(self, operation: str) -> None:
        self.executed[operation] = self.executed.get(operation, 0) + 1

    def announce(self, event: str, **details: str) -> None:
        for watcher in self.watchers:
            watcher(event, details)

    def _boot_later(self) -> None:
        if self._boot is not None:
            self._boot.cancel()
        due = self.clock.now() + self.spec.emulation.reboot_takes
        self._boot = self.clock.call_at(due, self._come_up)

    def _go_down(self) -> None:
        self.up = False
        self._power_changed()
        self.announce("stopped")

    def _come_up(self) -> None:
        self._boot = None
        self.up = True
        self.up_since = self.clock.now()
        self.power_ups += 1
        self._power_changed()
        self.announce("started", firmware=self.spec.firmware)

    def _power_changed(self) -> None:
        """Called after `up` or `powered` changed."""
        if self.link is not None:
            self.link.update(self.clock.now())
