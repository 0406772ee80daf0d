"""The retry model of section 3.1, four ways: a bare loop, SimPy, the process core, DBOS on SQLite.

One installation's chain: every attempt fails, and the next follows as the strategy says until the
period is over. The bare loop and SimPy keep nothing; the process core emits every attempt as an
event and the checker judges them; DBOS keeps every attempt in SQLite and waits for nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.clock import VirtualClock
from bench.conformance.checker import Checker
from bench.effects import Effects
from bench.installation import Installation
from bench.installation_file import read_installation
from bench.key_ring import MemoryKeyRing
from bench.mehrs.loader import load_strategy
from bench.mehrs.retry import PeriodPolicy, retry_policy
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import Code
from bench.migration.defaults import with_overrides
from bench.migration.retrying import with_retry
from bench.parties import Inbox, Parties
from bench.shipped import find
from bench.trace import Attempt, Closed, Event, Opened
from benchmarks.measure import Absent, Row, best_cpu

CHAINS = 50
"""Installations in one round."""

_PARTIES = [each.name for each in fields(Parties)]


def _policy() -> PeriodPolicy:
    policy = retry_policy(load_strategy(), "3.1")
    assert isinstance(policy, PeriodPolicy), "3.1 has a period"
    return policy


def bare(policy: PeriodPolicy) -> int:
    """Attempts made: a number, a time and an end, and nothing else."""
    now, number, made = 0, 1, 1
    end = now + policy.period
    while True:
        now += policy.short_wait if number < policy.short_attempts else policy.long_wait
        if now > end:
            return made
        number += 1
        made += 1


def on_simpy(policy: PeriodPolicy, chains: int) -> int:
    """The same as SimPy processes in one environment."""
    import simpy

    environment = simpy.Environment()
    made = 0

    def installation() -> Any:
        nonlocal made
        number = made_here = 1
        end = environment.now + policy.period
        while True:
            wait = policy.short_wait if number < policy.short_attempts else policy.long_wait
            if environment.now + wait > end:
                made += made_here
                return
            yield environment.timeout(wait)
            number += 1
            made_here += 1

    for _ in range(chains):
        environment.process(installation())
    environment.run()
    return made


def on_the_process_core(installation: Installation, chains: int) -> int:
    """`with_retry` of the process, each event fed to the checker and judged."""
    strategy, defaults = load_strategy(), with_overrides({})
    checker = Checker(strategy)
    where = made = 0
    nobody: Any = SimpleNamespace(**{**dict.fromkeys(_PARTIES), "suppliers": {}})

    def take(event: Event) -> None:
        nonlocal where, made
        where += 1
        made += isinstance(event, Attempt)
        checker.feed(event, where)

    def fails() -> None:
        raise CheckFailed(Code.NO_WAN)

    for number in range(chains):
        clock = VirtualClock(0)
        named = Installation(
            f"{installation.name}-{number}",
            installation.group,
            installation.devices,
            installation.suppliers,
        )
        effects = Effects(
            clock=clock,
            inbox=Inbox(clock),
            devices={},
            parties=nobody,
            keys=MemoryKeyRing({}),
            random_bytes=bytes,
            sink=take,
        )
        case = Case(effects, named, strategy, defaults)
        case.emit(Opened, group=named.group)
        try:
            with_retry(case, "2.6.2", fails)
        except CheckFailed:
            case.emit(Closed, outcome="failed")
        checker.leave(named.name, clock.now())
    judgement = checker.finish()
    assert judgement.rules["3.1-total-period"].passed == chains
    return made


def on_dbos(policy: PeriodPolicy, folder: Path) -> Iterator[Any]:
    """Gives a function that does one chain as a durable workflow, a step an attempt."""
    from dbos import DBOS, SetWorkflowID

    DBOS(
        config={
            "name": "retry",
            "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
            "log_level": "ERROR",
        }
    )

    @DBOS.step()
    def attempt(number: int) -> int:
        return number

    @DBOS.workflow()
    def chain() -> int:
        now = number = made = 0
        while now <= policy.period:
            number += 1
            made += attempt(number) == number
            now += policy.short_wait if number < policy.short_attempts else policy.long_wait
        return made

    DBOS.launch()
    done = 0

    def once() -> int:
        nonlocal done
        done += 1
        with SetWorkflowID(f"chain-{done}"):
            return chain()

    try:
        yield once
    finally:
        DBOS.destroy()


def rows() -> Iterator[Row | Absent]:
    policy = _policy()
    installation = read_installation(find("installations", "ioc-dual-fuel"))
    attempts = bare(policy)
    made = on_the_process_core(installation, 1)
    assert made == attempts, f"the core made {made} attempts, the bare loop {attempts}"
    size = CHAINS * attempts
    core = best_cpu(lambda: on_the_process_core(installation, CHAINS), rounds=5)
    loop = best_cpu(lambda: [bare(policy) for _ in range(CHAINS)], rounds=5)
    what = "process core: attempts, emitted and judged"
    yield Row(what, "a bare Python loop that keeps nothing", size, core, loop)
    if find_spec("simpy") is None or find_spec("dbos") is None:
        yield Absent(
            what, "SimPy and DBOS", "not installed: pip install 'smets1-bench[benchmarks]'"
        )
        return
    assert on_simpy(policy, 2) == 2 * attempts
    simpy = best_cpu(lambda: on_simpy(policy, CHAINS), rounds=5)
    yield Row(what, "SimPy, which keeps nothing", size, core, simpy)
    yield Row("SimPy: attempts", "a bare Python loop", size, simpy, loop)
    with tempfile.TemporaryDirectory() as folder:
        for once in on_dbos(policy, Path(folder)):
            assert once() == attempts
            durable = best_cpu(once, rounds=3)
            what = "DBOS on SQLite: attempts, each kept"
            yield Row(
                what, "the process core, which keeps nothing", attempts, durable, core / CHAINS
            )
