"""docs/faults.md and `list faults` say what there is."""

from __future__ import annotations

import json

from click.testing import CliRunner

from bench.cli import main
from drivers.pipe_faults import FAULTS
from tests.pipe_faults_doc import TARGET, make


def test_the_catalogue_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == make(), "run: make docs"


def test_every_pipe_fault_is_listed_with_its_family() -> None:
    listed = json.loads(CliRunner().invoke(main, ["list", "faults", "--json"]).output)["faults"]
    at_the_pipe = {name: about for name, about in listed.items() if name.startswith("pipe:")}
    assert set(at_the_pipe) == {f"pipe:{name}" for name in FAULTS}
    for name, fault in FAULTS.items():
        family = "bench" if name == "unplugged" else fault.family
        assert at_the_pipe[f"pipe:{name}"] == f"({family}) {fault.description}"
    assert {"line", "protocol"} == {str(fault.family) for fault in FAULTS.values()}
    assert "busy" in listed
