"""docs/identify.md states what a sweep sends; tests/docs runs its commands."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from bench.cli import main

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_number_of_frames_in_the_document_is_the_sweeps() -> None:
    done = CliRunner().invoke(main, ["identify", "emu:generic-dlms-gas"])
    assert "sent: 118 frames" in done.stdout
    assert "sends 118" in (DOCS / "identify.md").read_text(encoding="utf-8")
