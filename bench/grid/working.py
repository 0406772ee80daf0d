"""Works through a plan in several processes; whatever is done when it is stopped is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass

from bench.grid.plan import Part, Plan, Task
from bench.grid.tally import Tally
from bench.worker_process import begin_worker


@dataclass(frozen=True, slots=True)
class Progress:
    """`seconds`: since the beginning; `left`: at this rate, None where nothing can be said yet."""

    tasks: int
    of: int
    runs: int
    red: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.runs / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        return self.seconds * (self.of - self.tasks) / self.tasks if self.tasks else None


@dataclass(slots=True)
class Grid:
    """What was done. `complete` False: it was stopped before the end."""

    tallies: dict[Part, Tally]
    seconds: float
    complete: bool

    @property
    def runs(self) -> int:
        return sum(tally.total for tally in self.tallies.values())

    @property
    def red(self) -> int:
        return sum(tally.red_runs for tally in self.tallies.values())


def work_through(plan: Plan, workers: int, show: Callable[[Progress], None] | None = None) -> Grid:
    """`workers` 1: in this process. Ctrl-C ends it early; it is not raised again."""
    began = time.monotonic()
    grid = Grid(plan.tallies, 0.0, complete=True)
    done = 0
    results = _one_by_one(plan.tasks) if workers == 1 else _in_processes(plan.tasks, workers)
    try:
        for part, tally in results:
            grid.tallies[part].merge(tally)
            done += 1
            grid.seconds = time.monotonic() - began
            if show is not None:
                show(Progress(done, len(plan.tasks), grid.runs, grid.red, grid.seconds))
    except KeyboardInterrupt:
        grid.complete = False
    grid.seconds = time.monotonic() - began
    return grid


def _one_by_one(tasks: list[Task]) -> Iterator[tuple[Part, Tally]]:
    for task in tasks:
        yield task.part, task.work()


def _in_processes(tasks: list[Task], workers: int) -> Iterator[tuple[Part, Tally]]:
    """In whatever order they end; one task ahead of the workers, so that it stops soon."""
    pool = ProcessPoolExecutor(workers, initializer=begin_worker)
    waiting = list(reversed(tasks))
    running: dict[Future[Tally], Part] = {}
    try:
        while waiting or running:
            while waiting and len(running) <= workers:
                task = waiting.pop()
                running[pool.submit(task.work)] = task.part
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(ended), ended.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
