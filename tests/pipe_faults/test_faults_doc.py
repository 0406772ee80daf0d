"""docs/faults.md and `list faults` say what there is."""

from __future__ import annotations

import json
from collections.abc import Mapping

from click.testing import CliRunner

from bench.cli import main
from bench.plugins import EMULATORS, load
from drivers.pipe_faults import FAULTS
from tests.pipe_faults_doc import TARGET, make


def test_the_catalogue_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == make(), "run: make docs"


def test_every_pipe_fault_is_listed_with_its_family() -> None:
    listed = json.loads(CliRunner().invoke(main, ["list", "faults", "--json"]).output)["faults"]
    emulated: Mapping[str, object] = load(EMULATORS, "faults")
    for name, fault in FAULTS.items():
        family = "bench" if name == "unplugged" else fault.family
        shown = f"pipe:{name}" if name in emulated else name
        assert listed[shown] == f"({family}) {fault.description}"
    assert {"line", "protocol"} == {str(fault.family) for fault in FAULTS.values()}
    assert "busy" in listed
