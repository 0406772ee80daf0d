"""The markers: what a test needs, which kit it is for, which fault it meets, what it shows."""

from __future__ import annotations

from typing import Any, Final

import pytest

from bench.devices import Role
from bench.emulation import FaultSpec, Moment
from bench.installation import DeviceSpec, Installation
from bench.spelling import did_you_mean
from bench.station import Station
from bench.units import Micros, parse_duration

MARKERS: Final = {
    "needs(*what)": "devices (electricity_meter, gas_meter, comms_hub, ihd) or kit (power, "
    "reference_meter) without which the test is skipped",
    "real_only": "skipped on an emulated station",
    "emulated_only": "skipped where the station has a real port",
    "fault(name, target, *, request, nth, after, lasts, times, code, by)": "a fault of "
    "`smets1-bench list faults` that lies in wait during the test",
    "requirement(*rules)": "the rules or sections that the test shows something about",
}

ROLE_OF: Final = {
    "electricity_meter": Role.ELECTRICITY_METER,
    "gas_meter": Role.GAS_METER,
    "comms_hub": Role.COMMS_HUB,
    "ihd": Role.IHD,
}
"""The fixture for each role."""

KIT: Final = ("power", "reference_meter")


def register(config: pytest.Config) -> None:
    for form, about in MARKERS.items():
        config.addinivalue_line("markers", f"{form}: {about} (smets1-bench)")


def device_of(installation: Installation, fixture: str) -> DeviceSpec | None:
    """The installation's first device of the fixture's role."""
    role = ROLE_OF[fixture]
    return next((spec for spec in installation.devices if spec.role is role), None)


def reason_to_skip(item: pytest.Item, station: Station, installation: Installation) -> str:
    """Why the station is not one for this test; empty where it is."""
    if item.get_closest_marker("real_only") and not station.real:
        return "for real kit only, and the station is emulated"
    if item.get_closest_marker("emulated_only") and station.real:
        return "for emulated kit only, and the station has a real port"
    for what in wanted(item):
        if what in ROLE_OF and device_of(installation, what) is None:
            return f"needs {what}, and the installation {installation.name} has none"
        if what == "power" and station.kit.relay_board is None and station.real:
            return "needs power, and the station has no relay board"
        if what == "reference_meter" and station.kit.reference_meter is None:
            return "needs reference_meter, and the station has none"
    return ""


def wanted(item: pytest.Item) -> list[str]:
    """What a test needs: by marker, and by the fixtures that it takes."""
    named = [what for marker in item.iter_markers("needs") for what in marker.args]
    taken = getattr(item, "fixturenames", ())
    return [*named, *(name for name in (*ROLE_OF, "power") if name in taken)]


def complaints(item: pytest.Item) -> list[str]:
    """What is wrong with a test's markers, each a sentence."""
    known = (*ROLE_OF, *KIT)
    found = [
        f"needs: expected one of {', '.join(known)}, got {what!r}{did_you_mean(str(what), known)}"
        for marker in item.iter_markers("needs")
        for what in marker.args
        if what not in known
    ]
    for marker in item.iter_markers("fault"):
        try:
            fault_of(marker)
        except (TypeError, ValueError) as error:
            found.append(f"fault: {error}")
    return [*found, *_requirement_complaints(item)]


def requirements(item: pytest.Item) -> list[str]:
    return [str(rule) for marker in item.iter_markers("requirement") for rule in marker.args]


def fault_of(marker: pytest.Mark) -> FaultSpec:
    """Raises TypeError and ValueError where the marker's arguments make no fault."""
    given: dict[str, Any] = dict(zip(("name", "target"), marker.args, strict=False))
    given |= marker.kwargs
    allowed = ("name", "target", "request", "nth", "after", "lasts", "times", "code", "by")
    for unknown in set(given) - set(allowed):
        raise TypeError(f"no argument is called '{unknown}'{did_you_mean(unknown, allowed)}")
    if "name" not in given or "target" not in given:
        raise TypeError("expected the fault's name and its target")
    moment = Moment(
        after=_span(given.get("after")),
        request=given.get("request", None if "after" in given else "*"),
        nth=given.get("nth", 1),
    )
    return FaultSpec(
        given["name"],
        given["target"],
        moment,
        _span(given.get("lasts")),
        given.get("times", 1),
        given.get("code", ""),
        given.get("by"),
    )


def _span(given: str | int | None) -> Micros | None:
    return parse_duration(given) if isinstance(given, str) else given


def _requirement_complaints(item: pytest.Item) -> list[str]:
    named = requirements(item)
    if not named:
        return []
    from bench.mehrs.loader import load_strategy

    strategy = load_strategy()
    known = {*strategy.rules, *(rule.section for rule in strategy.rules.values())}
    return [
        f"requirement: no rule or section is called '{rule}'"
        f"{did_you_mean(rule, known) or '; smets1-bench rules lists them'}"
        for rule in named
        if rule not in known
    ]
