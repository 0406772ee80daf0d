"""The ledger after a process that died between the end of a scenario and its entry."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bench.ledger import Ledger
from tests.journal.lineage import Lineage, prepared


def test_what_ended_is_entered_once_by_whoever_takes_the_run_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Ledger.write

    def write_or_die(ledger: Ledger) -> None:
        if ledger.open_ is None:
            os.kill(os.getpid(), signal.SIGKILL)
        write(ledger)

    with prepared(tmp_path / "lineage", "rotation") as lineage:
        monkeypatch.setattr(Ledger, "write", write_or_die)
        assert lineage.live() == -signal.SIGKILL
        assert not _ledger(lineage)["devices"], "nothing was entered"
        monkeypatch.setattr(Ledger, "write", write)
        assert lineage.live() == 0, (lineage.folder / "log").read_text(encoding="utf-8")
        after = _ledger(lineage)
    assert after["open"] is None
    entries = {entry["name"]: entry for entry in after["devices"].values()}
    assert entries["electricity"]["scenarios"] == 1
    assert entries["electricity"]["rotations"] == 2, "the first was lost on its way"
    assert entries["gas"]["rotations"] == 1


def _ledger(lineage: Lineage) -> dict[str, dict[str, dict[str, object]] | None]:
    text = (lineage.folder / "bench.ledger.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
