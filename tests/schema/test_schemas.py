"""The JSON Schemas say of a file what the bench says of it, by a validator nobody here wrote."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bench.acceptance import AcceptedRules
from bench.campaign.mix import Mix
from bench.cli import main
from bench.errors import UsageError
from bench.file_model import read
from bench.foreign_logs.log_map import LogMap
from bench.installation_file import InstallationFile
from bench.mehrs.loader import load_document
from bench.mehrs.overlay import read_overlay
from bench.observing.map_file import ObservationMap
from bench.schemas import KINDS
from bench.schemas.forms import schema
from bench.shipped import fixtures
from bench.station import Station
from bench.suite import Suite
from bench.yaml_source import load, loads
from drivers.profiles.profile import Profile

FORMS: dict[str, type] = {
    "station": Station,
    "suite": Suite,
    "installation": InstallationFile,
    "profile": Profile,
    "mix": Mix,
    "acceptance": AcceptedRules,
    "log-map": LogMap,
    "observation-map": ObservationMap,
}
FOLDERS = {
    "station": "stations",
    "suite": "suites",
    "installation": "installations",
    "profile": "devices",
    "overlay": "overlays",
    "mix": "mixes",
    "log-map": "maps",
    "observation-map": "observing",
}
"""None of the other kinds is shipped."""
Path_ = tuple[str | int, ...]


@cache
def validator(kind: str) -> Draft202012Validator:
    made = schema(kind)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made, format_checker=Draft202012Validator.FORMAT_CHECKER)


def shipped(kind: str) -> list[Path]:
    found = sorted((fixtures() / FOLDERS[kind]).glob("*.yaml"))
    return [path for path in found if not path.stem.startswith("refused-")]


SHIPPED = [(kind, path) for kind in FOLDERS for path in shipped(kind)]


@pytest.mark.parametrize(("kind", "path"), SHIPPED, ids=[path.stem for _, path in SHIPPED])
def test_every_shipped_file_is_accepted(kind: str, path: Path) -> None:
    errors = [f"{e.json_path}: {e.message}" for e in validator(kind).iter_errors(load(path).data)]
    assert errors == []


BROKEN = [
    ("station", "stat: x\n", "stat"),
    ("station", "station: x\nclock: solar\n", "clock"),
    ("station", "station: x\nlimits: {scenario-time: 30 minutes}\n", "scenario-time"),
    ("station", "station: x\nlimits: {wake-ups: many}\n", "wake-ups"),
    ("station", "station: x\ndevices: {hub: {prot: 'emu:'}}\n", "prot"),
    ("suite", "suite: x\nscenarios: [{scenario: a}]\n", "about"),
    ("suite", "suite: x\nscenarios: nothing\n", "scenarios"),
    (
        "suite",
        "suite: x\nscenarios: [{scenario: a, about: b, installation: c, "
        "expect: {outcome: lost}}]\n",
        "outcome",
    ),
    (
        "suite",
        "suite: x\nscenarios: [{scenario: a, about: b, installation: c, start: noon, "
        "expect: {outcome: parked}}]\n",
        "start",
    ),
    ("installation", "installation: x\ngroup: DB\nsuppliers: [a]\ndevices: {}\n", "group"),
    ("profile", "profile: x\nabout: z\nrole: fridge\n", "role"),
    ("profile", "profile: x\nabout: z\nrole: ihd\nline: {baud: fast}\n", "baud"),
    ("profile", "profile: x\nabout: z\nrole: ihd\ntiming: {quiet: 12}\n", "quiet"),
    ("overlay", "overlay: x\napplies-to: '9.0'\nparameters: {}\n", "applies-to"),
    (
        "overlay",
        "overlay: x\napplies-to: '5.0'\nparameters: {3.1.long-wait: {value: 1min, source: s}}\n",
        "3.1.long-wait",
    ),
    (
        "overlay",
        "overlay: x\napplies-to: '5.0'\nparameters: {boundary: {value: inclusive}}\n",
        "source",
    ),
    ("mix", "mix: x\nabout: z\ninstallations: [{installation: a, share: many}]\n", "share"),
    ("acceptance", "accepted: [{rule: 3.2-retry}]\n", "because"),
    ("log-map", "map: x\nformat: excel\n", "format"),
    ("observation-map", "map: x\ninstalation: z\n", "instalation"),
]


@pytest.mark.parametrize(("kind", "text", "named"), BROKEN)
def test_what_the_bench_refuses_the_schema_refuses(kind: str, text: str, named: str) -> None:
    document = loads(text, "broken.yaml")
    with pytest.raises(UsageError) as refused:
        _read(kind, text)
    assert named in str(refused.value)
    errors = list(validator(kind).iter_errors(document.data))
    assert any(named in f"{error.json_path} {error.message}" for error in errors), errors


def _read(kind: str, text: str, folder: Path | None = None) -> None:
    """By what the bench reads such a file with, as far as its form goes."""
    if kind != "overlay":
        read(loads(text, "file.yaml"), FORMS[kind])
        return
    path = (folder or Path("/tmp")) / "overlay.yaml"
    path.write_text(text, encoding="utf-8")
    read_overlay(path, load_document("MEHRS", "5.0"))


ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    7,
    1.5,
    "",
    "x",
    "5s",
    "never",
    "9 s",
    [],
    {},
    ["x"],
    {"x": 1},
]


def places(data: Any, here: Path_ = ()) -> Iterator[Path_]:
    yield here
    if isinstance(data, dict):
        for key, value in data.items():
            yield from places(value, (*here, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from places(value, (*here, number))


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A shipped file in which something was taken away, put in, or replaced."""
    kind = draw(st.sampled_from(sorted(FORMS.keys() & FOLDERS.keys())))
    data = copy.deepcopy(load(draw(st.sampled_from(shipped(kind)))).data)
    for _ in range(draw(st.integers(1, 3))):
        spots = [spot for spot in places(data) if spot]
        if not spots:
            break
        *way, last = draw(st.sampled_from(spots))
        holder: Any = data
        for step in way:
            holder = holder[step]
        match draw(st.sampled_from(["take", "put", "replace"])):
            case "take":
                del holder[last]
            case "put" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["about", "odd-key", "port"]))] = "x"
            case _:
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return kind, data


@given(case=changed())
@settings(max_examples=150, deadline=None)
def test_schema_and_bench_agree_on_changed_files(case: tuple[str, dict[str, Any]]) -> None:
    kind, data = case
    by_schema = [error.message for error in validator(kind).iter_errors(data)]
    by_bench = _complaints(kind, json.dumps(data))
    assert bool(by_schema) == bool(by_bench), (by_schema, by_bench)


def _complaints(kind: str, text: str) -> list[str]:
    try:
        _read(kind, text)
    except UsageError as refused:
        return [str(problem) for problem in refused.problems]
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_prints_it(kind: str) -> None:
    done = CliRunner().invoke(main, ["schema", kind])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema(kind)


def test_another_kind_is_refused() -> None:
    done = CliRunner().invoke(main, ["schema", "stations"])
    assert done.exit_code == 2
    assert "no kind of file is called 'stations'; did you mean 'station'?" in done.stderr


def test_descriptions_come_from_the_docstrings() -> None:
    definitions = schema("profile")["$defs"]
    timing = definitions["TimingProfile"]["properties"]
    assert timing["quiet"]["description"].startswith("How long the line must be silent")
    assert (
        definitions["HdlcProfile"]["properties"]["logical"]["description"]
        == (definitions["HdlcProfile"]["properties"]["physical"]["description"])
    )
    assert "default" not in timing["quiet"]
    overlay = schema("overlay")["properties"]["parameters"]["properties"]
    assert overlay["boundary"]["properties"]["value"]["enum"] == ["inclusive", "exclusive"]
