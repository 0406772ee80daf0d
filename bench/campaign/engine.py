"""Where shards are worked on: here, in processes of this machine, or on a Dask cluster.

In whatever order they end; their tallies add up to the same.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from bench.campaign.shard import Shard, work_on
from bench.campaign.tally import Tally
from bench.errors import BenchError, UsageError
from bench.yaml_scalar import quoted

_AHEAD: Final = 3
"""Shards handed out for each worker, so that none waits for the next."""

_CONNECT_S: Final = "10s"


Tallies = Generator[tuple[Shard, Tally], None, None]


class Engine(Protocol):
    def tallies(self, plan: bytes, shards: Sequence[Shard]) -> Tallies:
        """Every shard once, with its tally. Closing the iterator leaves nothing running."""


def engine_for(workers: int, dask: str) -> Engine:
    """`dask`: the address of a scheduler; empty: this machine. Raises `UsageError`."""
    if dask:
        _require_address(dask)
        return _Dask(dask)
    return _Here() if workers == 1 else _Processes(workers)


def _require_address(address: str) -> None:
    """A client for what is no address would go on looking for it after it has failed."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        sound = bool(parts.hostname and parts.port)
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(f"--dask: expected tcp://HOST:PORT, got {quoted(address)}")


class _Here:
    def tallies(self, plan: bytes, shards: Sequence[Shard]) -> Tallies:
        for shard in shards:
            yield shard, work_on(plan, shard)


_plan: bytes


def _begin(plan: bytes) -> None:
    """In a new process. Ctrl-C is for the one that started it."""
    global _plan
    _plan = plan
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(shard: Shard) -> Tally:
    return work_on(_plan, shard)


@dataclass(frozen=True, slots=True)
class _Processes:
    workers: int

    def tallies(self, plan: bytes, shards: Sequence[Shard]) -> Tallies:
        context = multiprocessing.get_context("spawn")
        others = frozenset(multiprocessing.active_children())
        finished = False
        pool = ProcessPoolExecutor(self.workers, context, initializer=_begin, initargs=(plan,))
        try:
            waiting = iter(shards)
            running: dict[Future[Tally], Shard] = {}
            while True:
                for shard in waiting:
                    running[pool.submit(_work, shard)] = shard
                    if len(running) >= _AHEAD * self.workers:
                        break
                if not running:
                    finished = True
                    return
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(ended), ended.result()
        except BrokenProcessPool:
            raise BenchError(
                "a worker process ended by itself",
                hint="out of memory? --workers takes fewer; --resume goes on",
            ) from None
        finally:
            if not finished:  # nobody waits for the shards under way
                for process in multiprocessing.active_children():
                    if process not in others:
                        process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Dask:
    """A worker that dies has its shards done again by another."""

    address: str

    def tallies(self, plan: bytes, shards: Sequence[Shard]) -> Tallies:
        distributed = _distributed()
        try:
            client = distributed.Client(self.address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise BenchError(
                f"{self.address}: no Dask scheduler answers: {error}",
                hint="start one with: dask scheduler, and workers with: dask worker ADDRESS",
            ) from None
        with client:
            waiting = iter(shards)
            running: dict[Any, Shard] = {}
            ended = distributed.as_completed(loop=client.loop, raise_errors=False)

            def submit(shard: Shard) -> None:
                future = client.submit(work_on, plan, shard, pure=False)
                running[future] = shard
                ended.add(future)

            threads = sum(client.nthreads().values()) or 1
            for shard in waiting:
                submit(shard)
                if len(running) >= _AHEAD * threads:
                    break
            for future in ended:
                shard = running.pop(future)
                if future.status != "finished":
                    raise BenchError(
                        f"a Dask worker failed on installations {shard.first} to {shard.end - 1}: "
                        f"{future.exception()}"
                    )
                yield shard, future.result()
                following = next(waiting, None)
                if following is not None:
                    submit(following)


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise UsageError(
            "distributed is needed for --dask",
            hint="install it with: pip install 'smets1-bench[scale]'",
        ) from None
