"""Draws installations from a mix: each from the seed and its own number, and nothing else."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import accumulate
from struct import Struct
from typing import Final

from bench.campaign.mix import WHOLE, Condition, DrawnFault, Mix, Quirk, Span
from bench.campaign.mix_reading import fits
from bench.emulation import PartyBehaviours, SupplierBehaviour
from bench.installation import DeviceSpec, Installation
from bench.suite import FaultEntry, KeyKnown
from bench.units import DAY, SECOND, Micros


@dataclass(frozen=True, slots=True)
class Drawn:
    """One installation of a population. `start`: when its clock starts; it opens a day later.

    `conditions`: the names of those that hold for it. `kit`: the same for all installations that
    differ in nothing but their name.
    """

    number: int
    installation: Installation
    kit: tuple[int, ...]
    start: Micros
    parties: PartyBehaviours
    faults: tuple[FaultEntry, ...] = ()
    keys: Mapping[str, KeyKnown] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Template:
    """A part of the mix. `may_hold`: each condition that may hold, with its place in the mix."""

    name: str
    installation: Installation
    may_hold: tuple[tuple[int, Condition], ...]


class Drawing:
    """Draws any installation of the population, in any order, with the same result."""

    def __init__(self, mix: Mix, installations: Mapping[str, Installation], seed: int) -> None:
        self._mix = mix
        self._seed = seed
        self._bounds = list(accumulate(part.share for part in mix.installations))
        self._templates = [
            _Template(
                installation.name,
                installation,
                tuple(
                    (place, condition)
                    for place, condition in enumerate(mix.conditions)
                    if condition.per_10000 and fits(condition, installation)
                ),
            )
            for installation in (installations[part.installation] for part in mix.installations)
        ]
        self._devices: dict[tuple[int, ...], tuple[DeviceSpec, ...]] = {}
        self._a_day = mix.daily_capacity - mix.held_back
        self._first_start = mix.start - DAY
        self._numbers = Struct(f"<{_most_numbers(mix, installations.values())}I")

    def draw(self, number: int) -> Drawn:
        """Installation `number`, from 0."""
        mix = self._mix
        rng = _Numbers(self._numbers, f"{self._seed}/{mix.mix}/{number}")
        which = bisect_right(self._bounds, rng.below(self._bounds[-1]))
        template = self._templates[which]
        drawn = template.installation
        start = self._first_start + number // self._a_day * DAY + _up_to(rng, mix.opening_hours)
        parties = self._parties(rng, drawn)
        held = [one for one in template.may_hold if rng.below(WHOLE) < one[1].per_10000]
        kit: tuple[int, ...] = (which,)
        name = f"{template.name}-{number:07d}"
        if not held:
            named = Installation(name, drawn.group, drawn.devices, drawn.suppliers, drawn.payment)
            return Drawn(number, named, kit, start, parties)
        faults: list[FaultEntry] = []
        keys: dict[str, KeyKnown] = {}
        for place, condition in held:
            faults += [_fault(rng, fault) for fault in condition.faults]
            keys.update(condition.keys)
            parties = _overruled(parties, condition.parties)
            if condition.devices:
                kit += (place,)
        return Drawn(
            number,
            replace(drawn, name=name, devices=self._built(kit)),
            kit,
            start,
            parties,
            tuple(faults),
            keys,
            tuple(condition.condition for _, condition in held),
        )

    def _parties(self, rng: _Numbers, installation: Installation) -> PartyBehaviours:
        usual, delays = self._mix.parties, self._mix.delays
        suppliers = dict(usual.suppliers)
        for name in installation.suppliers:
            if name not in suppliers:
                suppliers[name] = SupplierBehaviour(_within(rng, delays.authorises_after))
        submits, files = _within(rng, delays.submits_after), _within(rng, delays.files_after)
        return PartyBehaviours(
            replace(usual.smso, files_after=files),
            replace(usual.requesting_party, submits_after=submits),
            suppliers,
            usual.mcc,
            usual.dsp,
            usual.ioc_s1sp,
        )

    def _built(self, kit: tuple[int, ...]) -> tuple[DeviceSpec, ...]:
        """The devices of a part of the mix with the quirks of these conditions."""
        devices = self._devices.get(kit)
        if devices is None:
            which, *places = kit
            devices = self._templates[which].installation.devices
            for place in places:
                quirks = self._mix.conditions[place].devices
                devices = tuple(
                    _with_quirk(device, quirks[device.name]) if device.name in quirks else device
                    for device in devices
                )
            self._devices[kit] = devices
        return devices


_USUAL: Final = PartyBehaviours()
_PARTIES: Final = tuple(each.name for each in fields(PartyBehaviours))


def _overruled(parties: PartyBehaviours, by: PartyBehaviours) -> PartyBehaviours:
    """With those parties of which a condition says something."""
    changes = {
        name: getattr(by, name)
        for name in _PARTIES
        if name != "suppliers" and getattr(by, name) != getattr(_USUAL, name)
    }
    if by.suppliers:
        changes["suppliers"] = {**parties.suppliers, **by.suppliers}
    return replace(parties, **changes) if changes else parties


def _with_quirk(device: DeviceSpec, quirk: Quirk) -> DeviceSpec:
    changes = {
        each.name: value
        for each in fields(quirk)
        if (value := getattr(quirk, each.name)) is not None
    }
    return replace(device, emulation=replace(device.emulation, **changes))


def _fault(rng: _Numbers, drawn: DrawnFault) -> FaultEntry:
    return FaultEntry(
        drawn.fault,
        drawn.target,
        None if drawn.after is None else _within(rng, drawn.after),
        drawn.when,
        drawn.request,
        drawn.nth,
        None if drawn.lasts is None else _within(rng, drawn.lasts),
        drawn.times,
        drawn.code,
        drawn.by,
    )


def _within(rng: _Numbers, span: Span) -> Micros:
    return span.least + _up_to(rng, span.most - span.least + SECOND)


def _up_to(rng: _Numbers, span: Micros) -> Micros:
    """Whole seconds from 0 to less than the span."""
    return rng.below(span // SECOND) * SECOND


class _Numbers:
    """Random numbers from a seed, as many as one installation may need.

    Python's own generator takes longer to be seeded than it takes to draw an installation.
    """

    __slots__ = ("_left",)

    def __init__(self, layout: Struct, seed: str) -> None:
        octets = hashlib.shake_128(seed.encode()).digest(layout.size)
        self._left: Iterator[int] = iter(layout.unpack(octets))

    def below(self, count: int) -> int:
        """Evenly from 0 to less than `count`, but for one part in 2³² divided by `count`."""
        return next(self._left) * count >> 32


def _most_numbers(mix: Mix, installations: Iterable[Installation]) -> int:
    """The part, the start, the parties' delays, each condition, and the spans of each fault."""
    suppliers = max(len(installation.suppliers) for installation in installations)
    faults = [fault for condition in mix.conditions for fault in condition.faults]
    return 4 + suppliers + len(mix.conditions) + 2 * len(faults)
