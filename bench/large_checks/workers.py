"""Where the parts of a large check are done: in processes of their own, or here one by one.

A piece of work is a function of a module and its arguments; the last of them, a `Said`, it calls
now and then.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event as Flag
from typing import Any, Final, Protocol, TypeVar

from bench.worker_process import begin_worker

T = TypeVar("T")

Said = Callable[[int], None]
"""Takes how many more are done since it was last called. May raise, to end the work."""

Told = Callable[[str, int, int], None]
"""Called now and then: what is being done, how many of it are done, and of how many."""

_LOOK_EVERY: Final = 0.5
"""Seconds between two reports of progress."""


class Workers(Protocol):
    """A context manager; when its block ends, however it ends, nothing is left running."""

    def all(
        self, work: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str, size: int
    ) -> list[T]:
        """The results of all jobs in their order; what the first that fails raises is raised."""

    def __enter__(self) -> Workers: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...


def workers_for(count: int, told: Told) -> Workers:
    return _Here(told) if count == 1 else _Processes(count, told)


class _Here:
    def __init__(self, told: Told) -> None:
        self._told = told

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        pass

    def all(
        self, work: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str, size: int
    ) -> list[T]:
        done = 0

        def said(more: int) -> None:
            nonlocal done
            done += more
            self._told(what, done, size)

        return [work(*job, said) for job in jobs]


class Interrupted(Exception):
    """The block that asked for the work has ended."""


_stop: Flag
_done: Any


def _begin(stop: Flag, done: Any) -> None:
    global _stop, _done
    _stop, _done = stop, done
    begin_worker()


def _say(more: int) -> None:
    with _done.get_lock():
        _done.value += more
    if _stop.is_set():
        raise Interrupted


def _do(work: Callable[..., T], job: tuple[Any, ...]) -> T:
    return work(*job, _say)


class _Processes:
    def __init__(self, count: int, told: Told) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._done = context.Value("q", 0)
        self._told = told
        self._others = frozenset(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(
            count, context, initializer=_begin, initargs=(self._stop, self._done)
        )

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.set()
            for process in multiprocessing.active_children():
                if process not in self._others:
                    process.terminate()
        self._pool.shutdown(cancel_futures=True)

    def all(
        self, work: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str, size: int
    ) -> list[T]:
        self._done.value = 0
        futures = [self._pool.submit(_do, work, job) for job in jobs]
        waiting: set[Future[T]] = set(futures)
        while waiting:
            finished, waiting = wait(waiting, _LOOK_EVERY, FIRST_EXCEPTION)
            for future in finished:
                future.result()
            self._told(what, self._done.value, size)
        return [future.result() for future in futures]
