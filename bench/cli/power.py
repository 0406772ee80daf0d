"""`smets1-bench power`: shows the relays of a station and sets them by hand."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import INTERRUPTED
from bench.cli.signals import cancelled_by_signals, interrupted_by_ctrl_c
from bench.clock import Cancellation, Cancelled, WallClock
from bench.devices import PowerSwitch
from bench.errors import UsageError
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.units import parse_duration

if TYPE_CHECKING:
    from bench.station import Station


@dataclass(frozen=True, slots=True)
class Board:
    """A station's relay board, open."""

    switch: PowerSwitch
    port: str
    profile: str
    feeds: dict[str, int]

    def channel(self, said: str) -> int:
        """A channel by its number or by a device that it feeds."""
        if said in self.feeds:
            return self.feeds[said]
        if said.isascii() and said.isdigit():
            return int(said)
        near = did_you_mean(said, self.feeds)
        raise UsageError(
            f"channel: expected a number or a device that the board feeds, got '{said}'{near}",
            hint=f"it feeds: {', '.join(self.feeds) or 'nothing that the station file names'}",
        )

    def line(self, channel: int) -> str:
        fed = [device for device, number in self.feeds.items() if number == channel]
        state = "on" if self.switch.channel_closed(channel) else "off"
        feeds = f"  feeds {', '.join(fed)}" if fed else ""
        return f"channel {channel}: {state}{feeds}"


@click.command()
@click.argument("station")
@click.argument("channel", required=False)
@click.argument("to", type=click.Choice(["on", "off", "cycle"]), required=False)
@click.option("--off-for", default="5s", show_default=True, help="How long a cycle is off.")
@click.option("--yes", is_flag=True, help="Do not ask before mains are switched off.")
def power(station: str, channel: str | None, to: str | None, off_for: str, yes: bool) -> None:
    """Shows the relays of STATION; with CHANNEL and on, off or cycle sets one and reads it back.

    CHANNEL is a number, or a device that the station file says it feeds. A cycle that is
    interrupted, even by kill -9, ends with the mains on. Exits 4 when the board does not answer or
    a relay does not follow, 130 when it was interrupted.

    \b
    Examples:
      smets1-bench power my-station.yaml
      smets1-bench power my-station.yaml hub cycle --off-for 30s
      smets1-bench power my-station.yaml 2 off --yes
    """
    if channel is not None and to is None:
        raise UsageError("power: say what to do with the channel: on, off or cycle")
    from bench.place_lending import lent
    from bench.station import read_station

    try:
        span = parse_duration(off_for)
    except ValueError as error:
        raise UsageError(f"--off-for: expected {error}") from None
    held = read_station(find("stations", station))
    with (
        cancelled_by_signals() as cancellation,
        tempfile.TemporaryDirectory() as folder,
        lent(held, Path(folder)) as reached,
        _opened(reached, station) as board,
    ):
        if channel is None:
            for number in sorted(set(board.feeds.values())):
                click.echo(board.line(number))
            return
        number = board.channel(channel)
        if to != "on" and not yes:
            _ask(board, number)
        if to == "cycle":
            _cycle(board, number, span, cancellation)
        else:
            board.switch.set_channel(number, closed=to == "on")
        click.echo(board.line(number))
        if cancellation.reason is not None:
            raise SystemExit(INTERRUPTED)


@contextmanager
def _opened(station: Station, named: str) -> Iterator[Board]:
    entry = station.kit.relay_board
    if entry is None:
        raise UsageError(
            f"{named}: the station has no relay board",
            hint="name one under kit: relay-board:, or feeds: under labgrid:",
        )
    from bench.plugins import DRIVERS, load

    lines: Any = load(DRIVERS, "lines")
    kit = lines.BenchKit(lines.KitPort(entry.port, entry.profile), None, WallClock())
    try:
        yield Board(kit.board, entry.port, entry.profile, dict(entry.feeds))
    finally:
        kit.close()


def _ask(board: Board, channel: int) -> None:
    click.echo(board.line(channel), err=True)
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked before mains are switched off", hint="add --yes")
    with interrupted_by_ctrl_c():
        click.confirm("Switch the mains of this channel off?", abort=True, err=True)


def _cycle(board: Board, channel: int, span: int, cancellation: Cancellation) -> None:
    """A channel that was off already only comes on."""
    if not board.switch.channel_closed(channel):
        board.switch.set_channel(channel, closed=True)
        return
    clock = WallClock()
    from bench.safe_state import GuardedPowerSwitch, SafeState

    with tempfile.TemporaryDirectory() as folder, SafeState(Path(folder)) as state:
        guarded = GuardedPowerSwitch(board.switch, board.port, board.profile, state)
        guarded.set_channel(channel, closed=False)
        click.echo(board.line(channel), err=True)
        try:
            clock.sleep_until(clock.now() + span, cancellation)
        except Cancelled as cancelled:
            click.echo(f"stopped ({cancelled.reason}): the mains come back now", err=True)
        guarded.set_channel(channel, closed=True)
