"""docs/process.md says what the code does: the stages, their order, and every default."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import bench.migration
from bench.migration.defaults import FILE, shipped
from bench.migration.sections import PROCESS
from bench.parties import Group

PAGE = Path(__file__).parents[2] / "docs" / "process.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


@pytest.mark.parametrize("group", Group)
def test_the_stages_stand_in_their_order(group: Group) -> None:
    written = [
        (section, step == "yes", actor)
        for section, groups, step, actor, *_ in table("Stages")
        if group in groups.split()
    ]
    assert written == [(stage.section, stage.step, str(stage.actor)) for stage in PROCESS[group]]


def test_every_stage_says_what_is_done_and_what_it_rests_on() -> None:
    for row in table("Stages"):
        assert len(row) == 7, row[0]
        assert all(row), row[0]
        sourced = "[S row" in row[6] or "[C s" in row[6]
        assert sourced or "bench default" in row[6], row[0]


def test_every_default_stands_with_its_value_and_why() -> None:
    stated = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    expected = [[f"`{name}`", str(entry["value"]), entry["why"]] for name, entry in stated.items()]
    assert table("Defaults") == expected
    assert list(stated) == list(shipped())


def test_every_default_is_used() -> None:
    folder = Path(bench.migration.__path__[0])
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    assert [name for name in shipped() if f'"{name}"' not in code] == []
