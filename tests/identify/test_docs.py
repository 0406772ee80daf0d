"""Every command of docs/identify.md and docs/doctor.md that needs no kit is run as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main

DOCS = Path(__file__).parent.parent.parent / "docs"
_FENCED = re.compile(r"```console\n(.*?)```", re.DOTALL)
_NEEDS_KIT = "/dev/"


def commands(name: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    lines = (line for block in _FENCED.findall(text) for line in block.splitlines())
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.mark.parametrize("name", ["identify.md", "doctor.md"])
def test_the_commands_of_a_document_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runnable = [command for command in commands(name) if _NEEDS_KIT not in command]
    assert runnable
    for command in runnable:
        program, *arguments = shlex.split(command)
        assert program == "smets1-bench"
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, f"{command}: {done.output}"


def test_the_number_of_frames_in_the_document_is_the_sweeps() -> None:
    done = CliRunner().invoke(main, ["identify", "emu:generic-dlms-gas"])
    assert "sent: 118 frames" in done.stdout
    assert "sends 118" in (DOCS / "identify.md").read_text(encoding="utf-8")
