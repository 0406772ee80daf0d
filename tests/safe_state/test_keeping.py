"""Undos are registered before the act and done in the end, whatever comes of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import KitFault
from bench.safe_state import GuardedPowerSwitch, SafeState, SetRelay, keeping
from bench.safe_state.note import FILE
from bench.safe_state.undo import Undo


class Board:
    def __init__(self) -> None:
        self.closed = {1: True, 2: True, 3: False}
        self.stuck: set[int] = set()

    def set_channel(self, channel: int, *, closed: bool) -> None:
        if channel in self.stuck:
            raise KitFault(f"channel {channel}: no answer")
        self.closed[channel] = closed

    def channel_closed(self, channel: int) -> bool:
        return self.closed[channel]


class Told:
    """In place of the other process: what it was told."""

    due: list[Undo]

    def __init__(self, folder: Path) -> None:
        Told.due = []

    def register(self, undo: Undo) -> None:
        Told.due.append(undo)

    def settled(self, undo: Undo) -> None:
        Told.due.remove(undo)

    def release(self, *, wait: bool) -> None:
        Told.due.append(SetRelay("released", str(wait), 0, True))


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(keeping, "Watchdog", Told)
    return Board()


def undo(channel: int, closed: bool = True) -> SetRelay:
    return SetRelay("port", "profile", channel, closed)


def test_each_channel_returns_to_where_it_was_found(board: Board, tmp_path: Path) -> None:
    with SafeState(tmp_path) as state:
        guarded = GuardedPowerSwitch(board, "port", "profile", state)
        guarded.set_channel(1, closed=False)
        guarded.set_channel(2, closed=False)
        guarded.set_channel(2, closed=False)
        guarded.set_channel(3, closed=True)
        assert Told.due == [undo(1), undo(2), undo(3, closed=False)]
        guarded.set_channel(2, closed=True)
        assert Told.due == [undo(1), undo(3, closed=False)]
    assert board.closed == {1: True, 2: True, 3: False}
    notes = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [(note["undo"], note["outcome"]) for note in notes] == [
        ("relay channel 3 off", "put back"),
        ("relay channel 1 on", "put back"),
    ]


def test_one_that_fails_does_not_keep_the_others(board: Board, tmp_path: Path) -> None:
    state = SafeState(tmp_path)
    guarded = GuardedPowerSwitch(board, "port", "profile", state)
    guarded.set_channel(1, closed=False)
    guarded.set_channel(2, closed=False)
    board.stuck = {2}
    with pytest.raises(ZeroDivisionError), state:
        raise ZeroDivisionError
    assert board.closed == {1: True, 2: False, 3: False}
    assert state.failures == ["relay channel 2 on: channel 2: no answer"]
    assert Told.due == [undo(2), SetRelay("released", "False", 0, True)], "it tries once more"


def test_what_is_not_registered_is_not_switched(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(self: Told, undo: Undo) -> None:
        raise KitFault("the watchdog does not answer")

    monkeypatch.setattr(Told, "register", deaf)
    with SafeState(tmp_path) as state, pytest.raises(KitFault):
        GuardedPowerSwitch(board, "port", "profile", state).set_channel(1, closed=False)
    assert board.closed[1]
