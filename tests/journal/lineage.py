"""A run that is killed and taken up again, over and over, against devices in another process.

The devices outlive every kill, keep their state in a file and count what they executed. Real time,
with an overlay of second-scale intervals. What must hold in the end is in `verdict_on`.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import run_identity
from bench.clock import Cancellation, PacedClock
from bench.journal.entry import Entry, Kind
from bench.journal.run_head import process_fingerprint
from bench.journal.run_journal import taken_up
from bench.journal.store import FILE, Journal, Keep
from bench.journal.values import read
from bench.order import Order, order_again
from bench.runner import run_suite
from bench.station import read_station
from bench.suite_reading import Forced, read_suite
from bench.units import SECOND
from tests.e2e.bench_on_ports import hosted, lay_out

ROTATION = """\
suite: killed
scenarios:
  - scenario: rotation
    about: both keys are rotated; the first transfer is lost on its way
    installation: da-dual-fuel
    parties:
      smso: {transfer-takes: 20ms, take-back-takes: 20ms, files-after: 20ms}
      requesting-party: {submits-after: 20ms}
      suppliers: {Northern Energy: {authorises-after: 20ms}}
    defaults: {settle-interval: 300ms, wake-wait: 100ms, resubmission-wait: 1s}
    expect:
      outcome: commissioned
      account: DCC
      keys: {electricity: new, gas: new}
      found: {electricity: [unanswered]}
"""

RETRY = """\
suite: killed
scenarios:
  - scenario: retry
    about: no WAN at all; the retry of 3.1 goes on to the end of its period
    installation: ioc-dual-fuel
    parties:
      smso: {transfer-takes: 20ms, take-back-takes: 20ms, files-after: 20ms}
      requesting-party: {submits-after: 20ms}
      suppliers: {Northern Energy: {authorises-after: 20ms}}
    defaults: {settle-interval: 300ms, wake-wait: 100ms, wake-tries: 1}
    expect: {outcome: failed, failed: {2.6.2: BENCH-NO-WAN}, found: {hub: [off-the-wan]}}
"""

OVERLAY = """\
overlay: seconds
applies-to: "5.0"
parameters:
  3.3.interval: {value: 1s, source: made up for a run of seconds}
  3.3.repeats: {value: 3, source: made up for a run of seconds}
  3.1.short-interval: {value: 1s, source: made up for a run of seconds}
  3.1.short-repeats: {value: 1, source: made up for a run of seconds}
  3.1.long-interval: {value: 1s, source: made up for a run of seconds}
  3.1.total-period: {value: 5s, source: made up for a run of seconds}
  2.5.2.file-set-limit: {value: 60s, source: made up for a run of seconds}
"""


PATIENCE = 300.0
"""Seconds for a life that nobody ends; one that lasts longer is stuck."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is run: a suite, the group of the installation, what is wrong with a device, and what
    comes of it where nobody kills it.
    """

    suite: str
    group: str
    fault: str
    outcome: str


STORIES = {
    "rotation": Story(
        ROTATION, "DA", "request-lost@electricity:request=rotate_key", "commissioned"
    ),
    "retry": Story(RETRY, "IOC", "wan-outage@hub:request=wan_state,nth=2", "failed"),
}


@dataclass(slots=True)
class Lineage:
    """One run of `story` in `folder`, whose devices are hosted. `ends`: how its processes ended.

    `stuck`: one of them was to go on to the end, and did not get there.
    """

    folder: Path
    story: Story
    kills: int = 0
    stuck: bool = False
    ends: Counter[int] = field(default_factory=Counter)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def live(self, *, entries: int | None = None, seconds: float | None = None) -> int:
        """One process of it: until it has written so many entries, or so long after it began to
        act and not only to do over, or to its end.

        Returns its exit code, or minus the signal it died of.
        """
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ours)
            self._child(entries, theirs)
        os.close(theirs)
        live = os.read(ours, 1)
        most = PATIENCE if seconds is None else seconds
        if live and not select.select([ours], [], [], most)[0]:
            os.kill(child, signal.SIGKILL)
            self.stuck = self.stuck or seconds is None
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(ours)
        self.ends[code] += 1
        self.kills += code == -signal.SIGKILL
        return code

    def _child(self, entries: int | None, alive: int) -> None:
        code = 70
        try:
            tell_when_live(alive)
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(self.folder)
            if entries is not None:
                die_after(entries)
            self.proceed(Cancellation())
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def proceed(self, cancellation: Cancellation) -> None:
        """Begins the run, or takes it up where there is one; to its end, if it was not there."""
        if not (self.run / FILE).exists():
            run_suite(self._order(), self.run, cancellation=cancellation)
            return
        if self.entries()[-1].kind is Kind.FINISHED:
            return
        with taken_up(self.run) as (ordered, journal):
            order = order_again(ordered)
            run_suite(order, self.run, cancellation=cancellation, taken_up=journal)

    def warm_up(self) -> None:
        """Imports here, once, what every fork would import for itself."""
        order = self._order()
        read_suite(order.suite, order.forced)

    def _order(self) -> Order:
        station = self.folder / "bench.yaml"
        return Order(
            self.folder / "suite.yaml",
            "suite.yaml",
            1,
            forced=Forced(overlay=self.folder / "overlay.yaml"),
            station=read_station(station),
            station_named=str(station),
            tolerance=10 * SECOND,  # on a busy machine every wait is late: not what is shown here
        )

    def entries(self) -> tuple[Entry, ...]:
        journal, entries = Journal.open(self.run / FILE)
        journal.close()
        return entries

    def verdict_on(self) -> list[str]:
        """What does not hold of the run that has ended; empty where all does."""
        if self.stuck:
            return [f"was not at its end after {PATIENCE:.0f} s"]
        entries = self.entries()
        state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        acts = made(entries)
        wrong: list[str] = []
        outcome = _closed(self.run)
        if outcome not in (self.story.outcome, "parked"):
            wrong.append(f"{outcome}, not {self.story.outcome} as without a kill")
        wrong += _failures(self.run)
        for name in ("electricity", "gas"):
            device = state["devices"][name]
            wrong += _executed(name, acts, device)
            if outcome != "parked":
                wrong += _belief(name, self.run / "keys.json", device)
        return wrong


@dataclass(slots=True)
class Made:
    """An act of the journal and what came of it; None: nothing was written."""

    target: str
    operation: str
    counter: int
    outcome: Any = None


def made(entries: tuple[Entry, ...]) -> list[Made]:
    found: dict[int, Made] = {}
    for entry in entries:
        if entry.kind is Kind.INTENT:
            counter = 0
            if entry.operation == "rotate_key":
                (arguments, _) = json.loads(entry.body)
                counter = arguments[2]
            found[entry.number] = Made(entry.target, entry.operation, counter)
        elif entry.kind is Kind.RESULT:
            found[entry.number].outcome = read(entry.body)
    return list(found.values())


def _executed(name: str, acts: list[Made], device: dict[str, Any]) -> list[str]:
    """0 lost: what was acknowledged was executed. 0 twice: nothing more than was asked for."""
    sent = [act for act in acts if act.target == name and act.operation == "rotate_key"]
    acknowledged = sum(not isinstance(act.outcome, Exception) for act in sent)
    executed = device["executed"].get("rotate_key", 0)
    wrong = []
    if len({act.counter for act in sent}) != len(sent):
        wrong.append(f"{name}: a command was sent twice under one counter")
    if executed < acknowledged:
        wrong.append(f"{name}: {acknowledged} acknowledged, {executed} executed: lost")
    if executed > len(sent):
        wrong.append(f"{name}: {len(sent)} sent, {executed} executed: done twice")
    log = [line["text"] for line in device["meter"]["keys"]["log"] if "rotated" in line["text"]]
    if len(log) != executed:
        wrong.append(f"{name}: {executed} executed, {len(log)} in its own log")
    return wrong


def _belief(name: str, keys: Path, device: dict[str, Any]) -> list[str]:
    """The key that the run believes the meter holds is the one it holds."""
    ring = json.loads(keys.read_text(encoding="utf-8"))["rings"]
    (held,) = (
        states
        for places in ring.values()
        for place, states in places.items()
        if place.startswith(f"{name}/")
    )
    believed, really = held["current"]["key"], device["meter"]["keys"]["slots"]["SUA"]["key"]
    return [] if believed == really else [f"{name}: holds another key than is believed"]


def _closed(run: Path) -> str:
    lines = (run / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    closed = [event for event in map(json.loads, lines) if event["event"] == "closed"]
    return str(closed[-1]["outcome"]) if closed else "never"


def _failures(run: Path) -> list[str]:
    """What the run holds against kit that did nothing wrong: a kill makes it inconclusive."""
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    if result["verdict"] in ("pass", "inconclusive"):
        return []
    return [f"{result['verdict']}: {each['mismatches']}" for each in result["scenarios"]]


def die_after(entries: int) -> None:
    """In this process that write of the journal is the last thing that is done."""
    add, written = Journal.add, 0

    def add_and_die(self: Journal, what: Entry, keep: Keep) -> None:
        nonlocal written
        add(self, what, keep)
        written += 1
        if written == entries:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.add = add_and_die  # type: ignore[method-assign]


def tell_when_live(pipe: int) -> None:
    """Writes an octet when the first act is made that is not handed back."""
    follow = PacedClock.follow

    def follow_and_tell(self: PacedClock) -> None:
        follow(self)
        os.write(pipe, b".")

    PacedClock.follow = follow_and_tell  # type: ignore[method-assign]


@contextmanager
def prepared(folder: Path, name: str) -> Iterator[Lineage]:
    """A run that has not begun, and its devices, hosted until the end of the block."""
    story = STORIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    lay_out(folder)
    (folder / "suite.yaml").write_text(story.suite, encoding="utf-8")
    (folder / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    station = folder / "bench.yaml"
    text = station.read_text(encoding="utf-8").replace("group: DA", f"group: {story.group}")
    station.write_text(text, encoding="utf-8")
    lineage = Lineage(folder, story)
    lineage.warm_up()
    with hosted(folder, "--state", "state.json", "--fault", story.fault):
        yield lineage


def killed_at_random(lineage: Lineage, rng: random.Random, most: int, longest: float) -> None:
    """Kills it at random moments until it ends or was killed `most` times, then lets it end."""
    while lineage.kills < most:
        if lineage.live(seconds=rng.uniform(0.0, longest)) >= 0:
            return
    lineage.live()


@dataclass(slots=True)
class Figures:
    """Of many lineages together."""

    runs: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Figures) -> None:
        self.runs += other.runs
        self.kills += other.kills
        self.wrong += other.wrong
        self.outcomes += other.outcomes

    def line(self, story: str, how: str) -> str:
        ends = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"{story}: {self.kills} kills {how} in {self.runs} runs, each taken up to its end: "
            f"{ends}; {len(self.wrong)} lost, done twice or wrongly believed"
        )


def one_process_definition() -> None:
    """Every fork runs what this process has imported, whatever becomes of the source meanwhile."""
    now = process_fingerprint()
    run_identity.process_fingerprint = lambda: now


def figures_of(folder: Path, story: str, write: int, seed: int, kills: int) -> Figures:
    """One lineage: killed with that write of the journal, or (0) at that many random moments."""
    shutil.rmtree(folder, ignore_errors=True)
    with prepared(folder, story) as lineage:
        if write:
            if lineage.live(entries=write) == -signal.SIGKILL:
                lineage.live()
        else:
            killed_at_random(lineage, random.Random(seed), kills, longest=0.4)
        wrong = [f"{folder.name}: {each}" for each in lineage.verdict_on()]
        others = {code: count for code, count in lineage.ends.items() if code not in (0, -9)}
        if others:
            log = (folder / "log").read_text(encoding="utf-8")
            wrong.append(f"{folder.name}: ended with {others}: {log[-2000:]}")
        figures = Figures(1, lineage.kills, wrong, Counter([_closed(lineage.run)]))
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def main() -> int:
    """`python -m tests.journal.lineage STORY every|KILLS [WORKERS]`; 1 where anything is wrong.

    Each worker is a process that works through its own share of the runs.
    """
    story, wanted = sys.argv[1], sys.argv[2]
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    one_process_definition()
    with tempfile.TemporaryDirectory(prefix="lineage-") as made:
        os.environ["SMETS1_BENCH_LOCK_DIR"] = made
        share = partial(_share, Path(made), story, wanted, workers)
        if workers == 1:
            shares = [share(0)]
        else:
            with get_context("fork").Pool(workers) as pool:
                shares = pool.map(share, range(workers))
    figures = Figures()
    for each in shares:
        figures.add(each)
    how = "at every write of the journal" if wanted == "every" else "at random moments"
    print(figures.line(story, how))
    print("\n".join(figures.wrong), end="")
    return 1 if figures.wrong else 0


def _share(base: Path, story: str, wanted: str, workers: int, worker: int) -> Figures:
    """Every so manieth write until there is none of that number, or a part of the kills."""
    figures = Figures()
    if wanted == "every":
        for write in count(1 + worker, workers):
            done = figures_of(base / f"write-{write}", story, write, 0, 0)
            figures.add(done)
            if not done.kills:
                return figures
    left = int(wanted) // workers
    for number in count(worker, workers):
        if left <= 0:
            return figures
        done = figures_of(base / f"random-{number}", story, 0, number, min(left, 25))
        figures.add(done)
        left -= max(done.kills, 1)
        told = f"{story}, worker {worker}: {figures.kills} kills, {left} left"
        print(told, file=sys.stderr, flush=True)
    raise AssertionError("count() never ends")


if __name__ == "__main__":
    sys.exit(main())
