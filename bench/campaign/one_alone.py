"""One installation of a campaign as a suite of its own, to be run alone in full detail.

The suite expects what the campaign counted, so it can be kept as a regression test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.campaign.drawing import Drawing, Drawn
from bench.campaign.form_text import form_text
from bench.campaign.playing import BENCH_ERROR, Played, Player
from bench.campaign.working import Order
from bench.conformance.checker import Checker
from bench.errors import BenchError
from bench.installation import Installation
from bench.installation_file import DeviceEntry, InstallationFile
from bench.suite import Expectation, Outcome, Preconditions, RuleVerdict, Scenario, Suite
from bench.trace import Event, Opened
from bench.verdict import Verdict

SUITE: Final = "suite.yaml"
INSTALLATION: Final = "installation.yaml"

_CAUGHT: Final = {Verdict.FAIL: RuleVerdict.FAILED, Verdict.INCONCLUSIVE: RuleVerdict.INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class OneAlone:
    """What the campaign drew and what came of it."""

    drawn: Drawn
    played: Played
    events: tuple[Event, ...]


def play_one(order: Order, number: int) -> OneAlone:
    """As the campaign plays it."""
    drawing = Drawing(order.mix.mix, order.mix.installations, order.seed)
    drawn = drawing.draw(number)
    events: list[Event] = []
    played = Player(order.strategy, order.seed).play(drawn, events.append)
    return OneAlone(drawn, played, tuple(events))


def write_suite(order: Order, number: int, folder: Path) -> Path:
    """Writes the suite and its installation into the folder; returns the suite's path.

    Raises `BenchError` where the folder cannot be written, or the bench itself failed on it.
    """
    one = play_one(order, number)
    if one.played.outcome == BENCH_ERROR:
        raise BenchError(f"installation {number}: the bench itself failed, so nothing is expected")
    drawn = one.drawn
    scenario = Scenario(
        scenario=drawn.installation.name,
        about=_about(order, drawn),
        installation=INSTALLATION,
        expect=_expected(order, one),
        mehrs=order.strategy.mehrs.version,
        mam=order.strategy.mam.version,
        overlay=str(Path(order.overlay).absolute()) if order.overlay else None,
        start=drawn.start,
        parties=drawn.parties,
        preconditions=Preconditions(keys=drawn.keys),
        faults=drawn.faults,
    )
    suite = Suite(drawn.installation.name, about=_about(order, drawn), scenarios=(scenario,))
    path = folder / SUITE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / INSTALLATION).write_text(form_text(_file_of(drawn.installation)), "utf-8")
        path.write_text(form_text(suite), "utf-8")
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    return path


def _about(order: Order, drawn: Drawn) -> str:
    held = f"; {', '.join(drawn.conditions)}" if drawn.conditions else ""
    return f"installation {drawn.number} of mix {order.mix.mix.mix}, seed {order.seed}{held}"


def _expected(order: Order, one: OneAlone) -> Expectation:
    checker = Checker(order.strategy, order.tolerance)
    for where, event in enumerate(one.events, 1):
        checker.feed(event, where)
    worst: dict[str, RuleVerdict] = {}
    for finding in checker.finish().findings:
        if finding.verdict in _CAUGHT and worst.get(finding.rule) is not RuleVerdict.FAILED:
            worst[finding.rule] = _CAUGHT[finding.verdict]
    return Expectation(
        Outcome(one.played.outcome),
        passages=sum(isinstance(event, Opened) for event in one.events),
        gave_up=one.played.gave_up,
        wake_ups=one.played.wake_ups,
        rules=worst,
    )


def _file_of(installation: Installation) -> InstallationFile:
    devices = {
        spec.name: DeviceEntry(
            spec.role,
            spec.serial_number,
            spec.eui64,
            spec.manufacturer,
            spec.model,
            spec.firmware,
            spec.emulation,
        )
        for spec in installation.devices
    }
    return InstallationFile(
        installation.name,
        installation.group,
        installation.suppliers,
        devices,
        payment=installation.payment,
    )
