"""Reads a mix and every installation it names; all complaints come at once, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.campaign.mix import WHOLE, Condition, Mix, Span
from bench.emulation import FaultSpec, Moment, PartyBehaviours
from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.installation import Installation
from bench.installation_file import read_installation
from bench.parties import Actor
from bench.plugins import EMULATORS, load
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.suite_checks import LATEST_START, party_bound_problems
from bench.units import DAY, SECOND, Micros
from bench.yaml_source import Document
from bench.yaml_source import load as load_yaml

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_LONGEST_NAME: Final = 60
_LONGEST_SPAN: Final = 10_000 * DAY
_LONGEST_IN_PARTS: Final = 11 * DAY
"""What is drawn between them can be written in a suite, in at most nine digits of s or ms."""


@dataclass(frozen=True, slots=True)
class ReadMix:
    """A mix with what it names. `installations`: by the name under which the mix has them.

    `source`: the text of every file read, by path, so that a campaign knows what it was made of.
    """

    mix: Mix
    installations: Mapping[str, Installation]
    source: Mapping[str, str]


def read_mix(path: Path) -> ReadMix:
    """Raises `UsageError` with every complaint about the mix and the installations it names."""
    document = load_yaml(path)
    mix = read(document, Mix)
    problems: list[str | Problem] = []
    source = {str(path): path.read_text(encoding="utf-8")}
    installations: dict[str, Installation] = {}
    for index, part in enumerate(mix.installations):
        try:
            file = find("installations", part.installation, beside=path.parent)
            installations[part.installation] = read_installation(file)
            source[str(file)] = file.read_text(encoding="utf-8")
        except UsageError as error:
            place = ("installations", index, "installation")
            problems += [document.problem(place, str(each)) for each in error.problems]
    problems += _problems(document, mix, installations)
    if problems:
        raise UsageError(problems)
    return ReadMix(mix, installations, source)


def require_in_time(mix: Mix, count: int) -> None:
    """Raises `UsageError` where `count` installations take the mix beyond the year 2999."""
    days = -(-count // (mix.daily_capacity - mix.held_back))
    if mix.start + days * DAY > LATEST_START:
        raise UsageError(
            f"expected installations that are opened by 2999: {count:,} take {days:,} days from "
            "the mix's start",
            hint="fewer installations, or in the mix more daily-capacity or an earlier start",
        )


def _problems(
    document: Document, mix: Mix, installations: Mapping[str, Installation]
) -> Iterator[Problem]:
    def problem(path: tuple[str | int, ...], message: str) -> Problem:
        return document.problem(path, message)

    if not _is_name(mix.mix):
        yield problem(("mix",), _name_wanted(mix.mix))
    if not mix.installations:
        yield problem(("installations",), "expected at least one installation, got none")
    named = [part.installation for part in mix.installations]
    for index, part in enumerate(mix.installations):
        if part.share < 1:
            message = f"expected a whole number from 1, got {part.share}"
            yield problem(("installations", index, "share"), message)
        if part.installation in named[:index]:
            message = f"'{part.installation}' stands here twice: add the shares"
            yield problem(("installations", index, "installation"), message)
    if mix.daily_capacity < 1:
        message = f"expected a whole number from 1, got {mix.daily_capacity}"
        yield problem(("daily-capacity",), message)
    if not 0 <= mix.held_back < max(1, mix.daily_capacity):
        message = f"expected from 0 to less than the daily capacity of {mix.daily_capacity}"
        yield problem(("held-back",), f"{message}, got {mix.held_back}")
    if not DAY <= mix.start <= LATEST_START:  # an installation's clock starts a day before
        yield problem(("start",), "expected a time from 1970-01-02 to 2999")
    for path, message in party_bound_problems(mix.parties):
        yield problem(("parties", *path), message)
    if not 0 < mix.opening_hours <= DAY:
        yield problem(("opening-hours",), "expected more than 0 and at most 24h")
    for name in ("authorises_after", "submits_after", "files_after"):
        place = ("delays", name.replace("_", "-"))
        yield from _span_problems(document, place, getattr(mix.delays, name))
    seen: set[str] = set()
    for index, condition in enumerate(mix.conditions):
        here = ("conditions", index)
        if not _is_name(condition.condition) or condition.condition == "none":
            yield problem((*here, "condition"), _name_wanted(condition.condition))
        if condition.condition in seen:
            yield problem((*here, "condition"), f"'{condition.condition}' stands here twice")
        seen.add(condition.condition)
        if not 0 <= condition.per_10000 <= WHOLE:
            message = f"expected a whole number from 0 to {WHOLE}, got {condition.per_10000}"
            yield problem((*here, "per-10000"), message)
        yield from _condition_problems(document, here, condition, tuple(installations.values()))


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME


def _name_wanted(got: str) -> str:
    return (
        f"expected a name of small letters, digits and hyphens, at most {_LONGEST_NAME} of them"
        f", other than 'none', got '{got}'"
    )


def _condition_problems(
    document: Document,
    here: tuple[str | int, ...],
    condition: Condition,
    installations: tuple[Installation, ...],
) -> Iterator[Problem]:
    of_groups = [i for i in installations if not condition.groups or i.group in condition.groups]
    concerned = [i for i in of_groups if fits(condition, i)]
    known = {device.name for i in of_groups for device in i.devices}
    for name in (*condition.devices, *condition.keys):
        if name not in known:
            near = did_you_mean(name, known) or f"; there are {', '.join(sorted(known)) or 'none'}"
            yield document.problem(here, f"no device is called '{name}'{near}")
    for inner, message in party_bound_problems(condition.parties):
        yield document.problem((*here, "parties", *inner), message)
    for index, fault in enumerate(condition.faults):
        path = (*here, "faults", index)
        for key, span in (("after", fault.after), ("lasts", fault.lasts)):
            if span is not None:
                yield from _span_problems(document, (*path, key), span)
        spec = FaultSpec(
            fault.fault,
            fault.target,
            Moment(_least(fault.after), fault.when, fault.request, fault.nth),
            _least(fault.lasts),
            fault.times,
            fault.code,
            fault.by,
        )
        # Where no installation has all it names, the complaints are those of the first.
        problems_of: Callable[[FaultSpec, Installation], list[str]]
        problems_of = load(EMULATORS, "fault-problems")
        told = [m for i in concerned or of_groups[:1] for m in problems_of(spec, i)]
        yield from (document.problem(path, message) for message in dict.fromkeys(told))
    for name, quirk in condition.devices.items():
        deviant_problem: Callable[[str, Any], str] = load(EMULATORS, "deviant-problem")
        for installation in concerned:
            device = next(device for device in installation.devices if device.name == name)
            message = deviant_problem(quirk.deviant, device) if quirk.deviant else ""
            if message:
                yield document.problem((*here, "devices", name, "deviant"), message)
                break
    suppliers = {supplier for i in of_groups for supplier in i.suppliers}
    for name in condition.parties.suppliers:
        if name not in suppliers:
            near = did_you_mean(name, suppliers) or f"; there are {', '.join(sorted(suppliers))}"
            place = (*here, "parties", "suppliers", name)
            yield document.problem(place, f"no supplier is called '{name}'{near}", at_key=True)
    says_something = (
        condition.faults
        or condition.devices
        or condition.keys
        or condition.parties != PartyBehaviours()
    )
    if not says_something:
        yield document.problem(here, "expected faults, devices, keys or parties, got none of them")


def _least(span: Span | None) -> Micros | None:
    return None if span is None else span.least


def _span_problems(
    document: Document, here: tuple[str | int, ...], span: Span
) -> Iterator[Problem]:
    if span.most < span.least:
        yield document.problem((*here, "most"), "expected a span not shorter than `least`")
    elif span.most > _LONGEST_SPAN:
        yield document.problem((*here, "most"), "expected a span of at most 10000d")
    elif span.least % SECOND and span.most > _LONGEST_IN_PARTS:
        message = "expected whole seconds where `most` is more than 11d"
        yield document.problem((*here, "least"), message)


def fits(condition: Condition, installation: Installation) -> bool:
    """Whether the installation is of the condition's groups and has every device it names."""
    if condition.groups and installation.group not in condition.groups:
        return False
    devices = {device.name for device in installation.devices}
    parties = {actor.value for actor in Actor}
    targets = {fault.target for fault in condition.faults} - parties
    return {*condition.devices, *condition.keys, *targets} <= devices
