"""Reads a YAML block of the documents with what reads such a file in the product."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from bench.acceptance import read_acceptance
from bench.campaign.mix_reading import read_mix
from bench.file_model import read
from bench.foreign_logs import log_map
from bench.installation_file import read_installation
from bench.mehrs.loader import load_strategy
from bench.observing import map_file
from bench.plugins import EMULATORS
from bench.plugins import load as load_plugin
from bench.report.details import Details
from bench.shipped import find
from bench.station import read_station
from bench.suite_reading import read_suite
from bench.yaml_source import load
from drivers.profiles.profile import read_profile
from tests.docs.page import Block

_SCENARIO: Final = {
    "scenario": "part",
    "about": "what the page shows is a part of it",
    "installation": "da-dual-fuel",
    "expect": {"outcome": "commissioned"},
}


def _overlay(path: Path) -> object:
    return load_strategy(str(load(path).data["applies-to"]), overlay=path)


def _map(path: Path) -> object:
    if "log" in load(path).data:
        return log_map.read_map(path)
    operations = load_plugin(EMULATORS, "requests")
    held = load(path).data
    return map_file.read_map(
        path,
        {each["device"]: operations[_role(each["device"])] for each in held["sections"]},
    )


def _role(device: str) -> str:
    roles = {"electricity": "electricity-meter", "gas": "gas-meter", "hub": "comms-hub"}
    return roles.get(device, device)


_READERS: Final[Mapping[str, Callable[[Path], object]]] = {
    "suite": read_suite,
    "station": read_station,
    "installation": read_installation,
    "profile": lambda path: read_profile(str(path)),
    "overlay": _overlay,
    "mix": read_mix,
    "map": _map,
    "accepted": lambda path: read_acceptance([str(path)]),
    "laboratory": lambda path: read(load(path), Details),
}
"""By a file's first key."""


def read_block(block: Block, path: Path) -> None:
    """Raises the product's complaint, or AssertionError where nobody knows what the block is."""
    data = yaml.safe_load(block.text)
    part_of = block.said.get("part of", "")
    if part_of:
        data = _whole(data, part_of)
        path.write_text(json.dumps(data), encoding="utf-8")  # JSON is YAML, all quoted
    elif isinstance(data, list):
        data = {"suite": "whole", "scenarios": data}
        path.write_text(json.dumps(data), encoding="utf-8")
    elif not path.exists() or path.name == "block.yaml":
        path.write_text(block.text, encoding="utf-8")
    kind = next(iter(data))
    assert kind in _READERS, f"{block.place}: a YAML block that begins with {kind!r}: of what kind?"
    _READERS[kind](path)


def _whole(part: Any, of: str) -> dict[str, Any]:
    """A file in which the part stands: a suite's scenario, or a shipped profile by its name."""
    if of == "scenario":
        return {"suite": "whole", "scenarios": [{**_SCENARIO, **part}]}
    name, _, inside = of.partition("/")
    held = yaml.safe_load(find("devices", name).read_text(encoding="utf-8"))
    whole: dict[str, Any] = _merged(held, {inside: part} if inside else part)
    return whole


def _merged(held: Any, part: Any) -> Any:
    """The part's keys over those of the whole, however deep."""
    if isinstance(held, dict) and isinstance(part, dict):
        return {key: _merged(held.get(key), part.get(key)) for key in {**held, **part}}
    return held if part is None else part
