"""A relay that is still cut when its scenario ends is put back, and a line says so."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench.clock import WallClock
from bench.emulation import FaultSpec, Moment
from bench.power_cuts import POWER_CUT, PowerCuts
from bench.safe_state import GuardedPowerSwitch, SafeState, keeping
from bench.safe_state.note import FILE
from bench.trace import Opened
from bench.units import HOUR
from tests.safe_state.test_keeping import Board, Told

PATIENCE_S = 10.0


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(keeping, "Watchdog", Told)
    return Board()


def cut(board: Board, state: SafeState) -> PowerCuts:
    """The mains of the meter are cut, for an hour."""
    clock = WallClock()
    spec = FaultSpec(POWER_CUT, "electricity", Moment(after=0), lasts=HOUR)
    relays = GuardedPowerSwitch(board, "port", "profile", state)
    cuts = PowerCuts([spec], {"electricity": 1}, relays, clock, lambda why: None)
    cuts.begin()
    cuts.observe(Opened(at=clock.now(), installation="I", group="DA"))
    until = time.monotonic() + PATIENCE_S
    while cuts.unstruck():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not board.closed[1]
    return cuts


def noted(folder: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in (folder / FILE).read_text().splitlines()]
    return [(line["by"], line["undo"], line["outcome"]) for line in lines]


def test_it_is_put_back_and_noted_once(board: Board, tmp_path: Path) -> None:
    with SafeState(tmp_path) as state:
        cuts = cut(board, state)
        cuts.end()
        cuts.end()
        assert board.closed[1]
    assert noted(tmp_path) == [("run", "relay channel 1 on", "put back")]


def test_where_that_fails_the_safe_state_says_what_came_of_it(board: Board, tmp_path: Path) -> None:
    with SafeState(tmp_path) as state:
        cuts = cut(board, state)
        board.stuck = {1}
        cuts.end()
        board.stuck = set()
    assert board.closed[1]
    assert noted(tmp_path) == [("run", "relay channel 1 on", "put back")]
