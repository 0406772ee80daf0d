"""A grid and a cell in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.grid.judging import End
from bench.grid.plan import Part
from bench.grid.record import replay
from bench.grid.tally import Tally
from bench.grid.trial import Trial
from bench.grid.working import Grid, Progress
from bench.trace import to_json

SHOWN_RED: Final = 20
_ABOUT: Final = {
    Part.SINGLES: "single faults, at every step boundary and every request",
    Part.PAIRS: "seeded pairs of faults",
    Part.SCHEDULES: "schedules of message fates over key rotation",
    Part.ACTS: "schedules over a reboot, a join, a clock that is set",
}


def grid_text(grid: Grid, via: str) -> str:
    return "\n".join(_grid_lines(grid, via)) + "\n"


def _grid_lines(grid: Grid, via: str) -> Iterator[str]:
    yield f"EMULATED  {via}  {grid.runs:,} runs"
    for part in Part:
        tally = grid.tallies.get(part)
        if tally is not None and tally.total:
            yield ""
            yield from _part_lines(part, tally)
    yield ""
    if not grid.complete:
        yield "stopped before the end: the counts are of what was run"
    red = [each for tally in grid.tallies.values() for each in tally.red]
    for each in red[:SHOWN_RED]:
        yield f"red: {each.end}: {each.why}"
        yield f"     {replay(each.cell, via)}"
    if grid.red > len(red[:SHOWN_RED]):
        yield f"and {grid.red - SHOWN_RED:,} red runs more"
    wrong, orphans, parked = (
        sum(tally.runs[end] for tally in grid.tallies.values() for end in ends)
        for ends in (
            (End.WRONG_KEY, End.KEY_LOST, End.WRONG_ACCOUNT, End.WRONG_ACT, End.TWICE),
            (End.ORPHAN, End.BROKEN),
            (End.PARKED, End.UNHEARD),
        )
    )
    share = 100 * parked / grid.runs if grid.runs else 0.0
    yield f"wrong beliefs {wrong:,}, orphans {orphans:,}, parked {parked:,} ({share:.2f} %)"
    named = next((tally.parked[0] for tally in grid.tallies.values() if tally.parked), None)
    if named is not None:
        yield f"parked, as one of them: {replay(named.cell, via)}"
    yield f"{grid.seconds:,.1f} s, {grid.runs / grid.seconds if grid.seconds else 0:,.0f} runs/s"


def _part_lines(part: Part, tally: Tally) -> Iterator[str]:
    stands = "" if tally.stood_for == tally.total else f", which stand for {tally.stood_for:,}"
    yield f"{part}: {tally.total:,} runs{stands}: {_ABOUT[part]}"
    if tally.unstruck:
        yield f"  in {tally.unstruck:,} of them not every fault found something to strike"
    for end in End:
        if tally.runs[end]:
            yield f"  {tally.runs[end]:>10,}  {100 * tally.share(end):6.2f} %  {end}"


def progress_text(progress: Progress) -> str:
    left = "" if progress.left is None else f", {_span(progress.left)} left"
    return (
        f"[{progress.tasks}/{progress.of}] {progress.runs:,} runs, {progress.rate:,.0f}/s{left}, "
        f"{progress.red:,} red"
    )


def _span(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min"


def story_of(trial: Trial) -> str:
    """A cell's run in full: each request that was counted, what befell it, each event, the end."""
    return "\n".join(_story_lines(trial)) + "\n"


def _story_lines(trial: Trial) -> Iterator[str]:
    yield f"EMULATED  {trial.cell}"
    befell: dict[tuple[bool, int], list[str]] = {}
    for strike in trial.cell.strikes:
        befell.setdefault((strike.after_event, strike.at), []).append(str(strike))
    asked = list(enumerate(trial.requests, 1))
    for number, event in enumerate(trial.events, 1):
        while asked and asked[0][1].events < number:
            at, request = asked.pop(0)
            struck = befell.get((False, at), [])
            mark = f"   <-- {', '.join(struck)}" if struck else ""
            yield f"  r{at:<4} {request.target}: {request.operation}{mark}"
        struck = befell.get((True, number), [])
        mark = f"   <-- {', '.join(struck)}" if struck else ""
        yield f"e{number:<4} {to_json(event)}{mark}"
    for at, request in asked:
        yield f"  r{at:<4} {request.target}: {request.operation}"
    yield ""
    if trial.truth is not None:
        yield f"account: {trial.truth.account}"
        for name, device in trial.truth.devices.items():
            for slot, key in device.keys.items():
                yield f"{name}: {slot} key version {key.version}, check value {key.check_value}"
            yield from (f"  {line}" for line in device.security_log)
    if trial.struck < len(trial.cell.strikes):
        yield f"{len(trial.cell.strikes) - trial.struck} of the strikes found nothing to strike"
    yield f"{'red: ' if trial.ended.end.red else ''}{trial.ended.end}" + (
        f": {trial.ended.why}" if trial.ended.why else ""
    )
