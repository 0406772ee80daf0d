"""Where shards are worked on: here, in processes of this machine, or on a Dask cluster.

In whatever order they end; their tallies add up to the same.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from bench.campaign.shard import Shard, work_on
from bench.campaign.tally import Tally
from bench.errors import BenchError, UsageError
from bench.worker_process import begin_worker
from bench.yaml_scalar import quoted

_AHEAD: Final = 3
"""Shards handed out for each worker, so that none waits for the next."""

_CONNECT: Final = "10s"

_LOOK_EVERY: Final = 2.0
"""Seconds after which somebody looks whether there are workers still."""

_FETCH: Final = 60.0
"""Seconds for the result of a shard to arrive, once it is there."""

_FIRST_WORKER: Final = 30.0
"""Seconds for which a scheduler may be without workers."""


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
    """A client for what is no such address would go on looking for it after it has failed."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        sound = bool(parts.scheme == "tcp" and parts.hostname and parts.port)
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
    global _plan
    _plan = plan
    begin_worker()


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
            client = distributed.Client(self.address, timeout=_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise BenchError(
                f"{self.address}: no Dask scheduler answers: {error}",
                hint="start one with: dask scheduler, and workers with: dask worker ADDRESS",
            ) from None
        with _quietly(), client, client.as_current():
            waiting = iter(shards)
            running: dict[Any, Shard] = {}

            def submit(shards: Iterable[Shard]) -> None:
                for shard in shards:
                    running[client.submit(work_on, plan, shard, pure=False)] = shard

            submit(islice(waiting, _AHEAD * self._threads(client)))
            while running:
                for future in self._ended(distributed, client, list(running)):
                    shard = running.pop(future)
                    tally = self._result(client, shard, future)
                    if tally is None:
                        submit([shard])
                        continue
                    yield shard, tally
                    submit(islice(waiting, 1))

    def _ended(self, distributed: Any, client: Any, running: list[Any]) -> Iterable[Any]:
        """Some that have ended; none where it is only known that there is a worker still."""
        try:
            return distributed.wait(running, _LOOK_EVERY, "FIRST_COMPLETED").done  # type: ignore[no-any-return]
        except TimeoutError:
            self._threads(client)
            return ()
        except (CancelledError, OSError):
            raise self._gone() from None

    def _result(self, client: Any, shard: Shard, future: Any) -> Tally | None:
        """None where it died with its worker before it was fetched."""
        if future.status == "error":
            raise BenchError(
                f"a Dask worker failed on installations {shard.first} to {shard.end - 1}: "
                f"{future.exception()}",
                hint="--resume goes on with what was kept",
            )
        try:
            if future.status == "finished":
                return cast(Tally, future.result(_FETCH))
        except (CancelledError, OSError):
            pass
        if client.status != "running":
            raise self._gone()
        return None

    def _threads(self, client: Any) -> int:
        """Of all workers of the cluster, for the first of which it waits."""
        try:
            if not client.nthreads():
                client.wait_for_workers(1, _FIRST_WORKER)
            return sum(client.nthreads().values())
        except TimeoutError:
            raise BenchError(
                f"{self.address}: the Dask scheduler has had no worker for {_FIRST_WORKER:.0f} s",
                hint=f"start some with: dask worker {self.address}; --resume goes on",
            ) from None
        except OSError:
            raise self._gone() from None

    def _gone(self) -> BenchError:
        return BenchError(
            f"{self.address}: the Dask scheduler is gone",
            hint="start it again; --resume goes on with what was kept",
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """What happens to the cluster is told once, by us."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise UsageError(
            "distributed is needed for --dask",
            hint="install it with: pip install 'smets1-bench[scale]'",
        ) from None
