"""A frozen dataclass is the form of a file: keys, durations, what may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from bench.errors import UsageError
from bench.file_model import key_of, model_of, read
from bench.units import HOUR, MINUTE, SECOND, Amount, Instant, Micros, parse_instant
from bench.yaml_source import loads


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of it."""

    long_name: str
    wait_for: Micros = 5 * MINUTE
    ends: Micros | None = HOUR


@dataclass(frozen=True, slots=True)
class Whole:
    """The form of a file."""

    name: str
    colour: Colour = Colour.RED
    since: Instant = 0
    by: Amount | None = None
    from_: int = 7
    share: Decimal = Decimal("0.5")
    part: Part = Part("usual")
    parts: tuple[Part, ...] = ()
    named: Mapping[str, Part] = field(default_factory=dict)
    limits: Mapping[str, int | str] = field(default_factory=dict)
    maybe: Part | None = None


def of(text: str) -> Whole:
    return read(loads(text, "f.yaml"), Whole)


def refused(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        of(text)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_left_out_has_the_dataclasses_default() -> None:
    assert of("name: x") == Whole("x")
    assert of("name: x\npart: {long-name: w}").part == Part("w", 5 * MINUTE, HOUR)


READ: list[tuple[str, Any]] = [
    ("colour: blue", Whole("x", colour=Colour.BLUE)),
    ("since: 2021-04-08T09:30:00Z", Whole("x", since=parse_instant("2021-04-08T09:30:00Z"))),
    ("by: 12", Whole("x", by=12)),
    ("by: -600s", Whole("x", by=-600 * SECOND)),
    ("from: 8", Whole("x", from_=8)),
    ("share: 0.25", Whole("x", share=Decimal("0.25"))),
    ("share: 2", Whole("x", share=Decimal(2))),
    ("part: {long-name: w, wait-for: 0s}", Whole("x", part=Part("w", 0))),
    ("part: {long-name: w, ends: never}", Whole("x", part=Part("w", ends=None))),
    ("parts: [{long-name: w}, {long-name: z}]", Whole("x", parts=(Part("w"), Part("z")))),
    ("named: {any key: {long-name: w}}", Whole("x", named={"any key": Part("w")})),
    ("limits: {a: 1, b: 2h}", Whole("x", limits={"a": 1, "b": "2h"})),
    ("maybe: {long-name: w}", Whole("x", maybe=Part("w"))),
    ("maybe: null", Whole("x")),
]


@pytest.mark.parametrize(("line", "whole"), READ)
def test_what_a_line_means(line: str, whole: Whole) -> None:
    assert of(f"name: x\n{line}\n") == whole


DURATION = "expected a duration: a whole number and a unit (s, min, h, d), such as 30min"

REFUSED: list[tuple[str, str]] = [
    ("long_name: w", "2:1: long_name: unknown key 'long_name'"),
    ("from_: 8", "2:1: from_: unknown key 'from_'; did you mean 'from'?"),
    ("colour: green", "2:9: colour: expected one of 'red', 'blue', got 'green'"),
    ("colour: rd", "2:9: colour: expected one of 'red', 'blue', got 'rd'; did you mean 'red'?"),
    ("since: 30min", "2:8: since: expected a UTC time such as 2021-04-08T09:30:00Z"),
    ("by: soon", "2:5: by: expected a whole number, or a span such as 30min or -600s, got 'soon'"),
    ("by: 1.5", "2:5: by: expected a whole number, or a span such as 30min or -600s, got 1.5"),
    ("from: '8'", "2:7: from: expected a whole number, got '8'"),
    ("from: 8.5", "2:7: from: expected a whole number, got 8.5"),
    ("from: true", "2:7: from: expected a whole number, got true"),
    ("part: {}", "2:7: part: missing key 'long-name'"),
    ("part: w", "2:7: part: expected a mapping, got 'w'"),
    ("part: {long-name: w, wait-for: 5}", f"2:32: part.wait-for: {DURATION}, got 5"),
    ("part: {long-name: w, wait-for: never}", f"2:32: part.wait-for: {DURATION}, got 'never'"),
    ("part: {long-name: w, ends: 1 h}", f"2:28: part.ends: {DURATION}, or never, got '1 h'"),
    ("parts: {long-name: w}", "2:8: parts: expected a list, got a mapping"),
    ("parts: [{long-name: 1}]", "2:21: parts[0].long-name: expected text, got 1"),
    ("named: [w]", "2:8: named: expected a mapping, got a list of 1"),
    ("named: {a b: {}}", "2:14: named['a b']: missing key 'long-name'"),
]


@pytest.mark.parametrize(("line", "complaint"), REFUSED)
def test_what_is_refused(line: str, complaint: str) -> None:
    found = refused(f"name: x\n{line}\n")
    assert found[0].startswith(f"f.yaml:{complaint}")


def test_every_complaint_at_once_in_the_order_of_the_file() -> None:
    found = refused("colour: green\nparts:\n  - {wait-for: 1}\n  - {ends: x}\nother: 1\n")
    assert [complaint.split(": ")[0] for complaint in found] == [
        "f.yaml:1:1",  # the missing name
        "f.yaml:1:9",
        "f.yaml:3:5",
        "f.yaml:3:16",
        "f.yaml:4:5",
        "f.yaml:4:12",
        "f.yaml:5:1",
    ]


def test_what_is_read_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        of("name: x").name = "y"  # type: ignore[misc]


def test_the_form_is_worked_out_once() -> None:
    assert model_of(Whole) is model_of(Whole)
    assert key_of("from_") == "from"
    assert key_of("files_after") == "files-after"


def test_the_form_gives_a_json_schema() -> None:
    schema = model_of(Whole).model_json_schema()
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert "from" in schema["properties"]
