"""The board: what it publishes, how often, and what a reader finds."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.certificate import strategy_record
from bench.errors import BenchError
from bench.live import process
from bench.live.board import JUDGED, OFTEN, Board
from bench.live.status import STATUS, Status, read_status, write_status
from bench.live.terminal import PlainLines, drawn
from bench.mehrs.loader import load_strategy
from bench.trace import Account, Attempt, Opened
from bench.units import SECOND

T = 1_623_000_000 * SECOND
STRATEGY = load_strategy()
EMPTY = Status("", "retry", "bench 3", "virtual", 1, T, T, 2)


class Monotonic:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def board(folder: Path, monotonic: Monotonic, clock: str = "virtual") -> Board:
    return Board(replace(EMPTY, clock=clock), folder, monotonic=monotonic)


def failed(number: int, at: int) -> Attempt:
    return Attempt(
        at=at, installation="I", section="3.3", number=number, device="g", outcome="failed"
    )


def begin(board: Board) -> None:
    board.begins("one", "about", 1, STRATEGY, strategy_record(STRATEGY), 60 * SECOND)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    clock = Monotonic()
    told = board(tmp_path, clock)
    begin(told)
    clock.now += JUDGED
    told.saw(Opened(at=T, installation="I", group="DA"))
    told.asks("plugged?", ("yes", "no"), T)
    assert read_status(tmp_path) == told.status
    assert told.status.question is not None
    assert told.status.current is not None
    assert told.status.current.view is not None


def test_nothing_is_published_oftener_than_it_can_be_read(tmp_path: Path) -> None:
    clock = Monotonic()
    told = board(tmp_path, clock)
    begin(told)
    for number in range(1, 50):
        told.saw(Opened(at=T + number, installation=str(number), group="DA"))
    status = read_status(tmp_path)
    assert status is not None
    assert status.current is None, "as it was when the board was made"
    clock.now += OFTEN
    told.saw(Opened(at=T + 60, installation="last", group="DA"))
    assert read_status(tmp_path) == told.status


@pytest.mark.parametrize(("clock_mode", "published"), [("wall", True), ("virtual", False)])
def test_a_wait_of_real_time_is_published_at_once(
    tmp_path: Path, clock_mode: str, published: bool
) -> None:
    told = board(tmp_path, Monotonic(), clock_mode)
    begin(told)
    told.saw(Opened(at=T, installation="I", group="DA"))
    told.waits(T + SECOND, "proof")
    assert (read_status(tmp_path) == told.status) is published


def test_findings_so_far_are_the_checkers(tmp_path: Path) -> None:
    """An account that is switched before the validation has passed."""
    clock = Monotonic()
    told = board(tmp_path, clock)
    begin(told)
    told.saw(Opened(at=T, installation="I", group="DA"))
    clock.now += JUDGED
    told.saw(Account(at=T + SECOND, installation="I", holder="DCC"))
    assert told.status.current is not None
    assert any("2.5.1.1-before-switch" in finding for finding in told.status.current.findings)
    assert told.status.current.rules == {"failed": 1}


def test_the_end_is_published_with_its_verdict(tmp_path: Path) -> None:
    told = board(tmp_path, Monotonic())
    begin(told)
    told.ended("pass")
    told.closes("pass", "EMULATED", "")
    status = read_status(tmp_path)
    assert status is not None
    assert (status.state, status.verdict, status.kit) == ("finished", "pass", "EMULATED")
    assert (status.done, dict(status.verdicts), status.current) == (1, {"pass": 1}, None)
    told.closes("inconclusive", "EMULATED", "SIGINT")
    status = read_status(tmp_path)
    assert status is not None
    assert status.state == "stopped"


def test_a_board_that_cannot_write_does_not_stop_the_run(tmp_path: Path) -> None:
    told = board(tmp_path / "gone", Monotonic())
    begin(told)
    told.closes("pass", "EMULATED", "")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1}', '{"format": 1, "current": 3}']
)
def test_a_status_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATUS).write_text(text)
    assert read_status(tmp_path) is None


def test_no_half_written_status_stays(tmp_path: Path) -> None:
    write_status(tmp_path, EMPTY)
    assert [entry.name for entry in tmp_path.iterdir()] == [STATUS]


def test_a_process_is_known_by_more_than_its_number() -> None:
    mark = process.own_mark()
    assert process.alive(mark)
    assert not process.alive(f"{os.getpid()}/1")
    for wrong in ("", "/", "x/1", "0/0", "999999999/5"):
        assert not process.alive(wrong)
        with pytest.raises(BenchError):
            process.stop(wrong)


def test_plain_lines_do_not_flood(tmp_path: Path) -> None:
    out, clock = io.StringIO(), Monotonic()
    told = Board(EMPTY, None, looked=PlainLines(out, lambda: T, clock), monotonic=clock)
    begin(told)
    for number in range(1, 200):
        clock.now += 1
        told.saw(failed(number, T))
    lines = out.getvalue().splitlines()
    assert 10 <= len(lines) <= 25
    assert "\x1b" not in out.getvalue()
    assert lines[0].startswith("scenario: 1 of 2: one")


def test_a_log_says_how_long_the_next_wait_is() -> None:
    """The wait begins after the event before it was told, and maybe within the ten seconds."""
    out = io.StringIO()
    clock = Monotonic()
    wall = replace(EMPTY, clock="wall")
    told = Board(wall, None, looked=PlainLines(out, lambda: T, clock), monotonic=clock)
    begin(told)
    told.waits(T + 3600 * SECOND, "SubmissionReceived")
    for number, later in ((1, 1), (2, 60), (3, 1)):
        clock.now += later
        told.saw(failed(number, T))
        told.waits(T + number * 20 * SECOND, "")
        told.waits(T + number * 20 * SECOND, "")
    clock.now += 1
    told.saw(failed(4, T))
    told.waits(T + SECOND, "")
    said = [line.partition(" | next: ")[2] for line in out.getvalue().splitlines()]
    assert [each.partition(",")[0] for each in said] == ["", "in 20 s", "", "in 40 s", "in 1 min"]


def test_the_picture_fits_any_width() -> None:
    from rich.console import Console

    clock = Monotonic()
    told = Board(EMPTY, None, monotonic=clock)
    begin(told)
    clock.now += JUDGED
    told.saw(Opened(at=T, installation="an-installation-of-a-long-name" * 3, group="DA"))
    for width in (40, 80, 200):
        console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
        console.print(drawn(told.status, T))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert all(len(line) <= width for line in text.splitlines())
        assert "scenario" in text
