"""Neither shards, workers, an interruption nor a lost worker show in the result."""

from __future__ import annotations

import json
import os
import pickle
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.campaign.engine import Engine, Tallies, engine_for
from bench.campaign.page import campaign_page
from bench.campaign.record import record_json
from bench.campaign.shard import Shard, work_on
from bench.campaign.shards_file import SHARDS
from bench.campaign.working import Campaign, Progress, work_through
from bench.errors import BenchError, UsageError
from tests.campaign.orders import order_of

INSTALLATIONS = 120
HERE = engine_for(1, "")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return work_through(order_of(INSTALLATIONS, shard=500), HERE, tmp_path_factory.mktemp("whole"))


def _said(campaign: Campaign) -> tuple[str, str]:
    return record_json(campaign), campaign_page(campaign)


@pytest.mark.parametrize("shard", [1, 7, 60, 119])
def test_the_size_of_shards_makes_no_difference(
    shard: int, whole: Campaign, tmp_path: Path
) -> None:
    found = work_through(order_of(INSTALLATIONS, shard=shard), HERE, tmp_path)
    assert _said(found) == _said(whole)


def test_processes_make_no_difference(whole: Campaign, tmp_path: Path) -> None:
    found = work_through(order_of(INSTALLATIONS), engine_for(2, ""), tmp_path)
    assert _said(found) == _said(whole)


def test_another_seed_makes_one(whole: Campaign, tmp_path: Path) -> None:
    found = work_through(order_of(INSTALLATIONS, seed=2), HERE, tmp_path)
    assert found.tally.outcomes.total() == INSTALLATIONS
    assert found.tally != whole.tally


class _Interrupted:
    """Works on some shards, in another order, and then somebody presses Ctrl-C."""

    def __init__(self, after: int) -> None:
        self._after = after

    def tallies(self, plan: bytes, shards: Sequence[Shard]) -> Tallies:
        chosen = list(reversed(shards))[: self._after]
        yield from HERE.tallies(plan, chosen)
        raise KeyboardInterrupt


def test_a_shard_that_stands_twice_is_counted_once(whole: Campaign, tmp_path: Path) -> None:
    work_through(order_of(INSTALLATIONS), _Interrupted(2), tmp_path)
    path = tmp_path / SHARDS
    kept = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*kept[:2], kept[1], *kept[2:]]))
    found = work_through(order_of(INSTALLATIONS), HERE, tmp_path, resume=True)
    assert _said(found) == _said(whole)


@pytest.mark.parametrize("cut", [0, 40])
def test_a_campaign_that_was_stopped_goes_on(cut: int, whole: Campaign, tmp_path: Path) -> None:
    order = order_of(INSTALLATIONS)
    interrupted: Engine = _Interrupted(2)
    stopped = work_through(order, interrupted, tmp_path)
    assert not stopped.complete
    assert stopped.tally.totals["installations"] == 45  # the last shard has 20
    path = tmp_path / SHARDS
    with path.open("a") as file:  # a line that a crash cut off
        file.write(path.read_text().splitlines()[-1][:cut])
    told: list[Progress] = []
    found = work_through(order, HERE, tmp_path, resume=True, show=told.append)
    assert _said(found) == _said(whole)
    assert [each.done for each in told] == [70, 95, 120]
    assert told[-1].left == 0


def test_it_goes_on_only_as_it_began(tmp_path: Path) -> None:
    work_through(order_of(25), HERE, tmp_path)
    with pytest.raises(UsageError, match=r"seed was 1 and is 2 now") as raised:
        work_through(order_of(50, seed=2), HERE, tmp_path, resume=True)
    assert len(raised.value.problems) == 2
    (tmp_path / SHARDS).write_text("[]\n")
    with pytest.raises(UsageError, match="expected the shards of a campaign"):
        work_through(order_of(25), HERE, tmp_path, resume=True)
    (tmp_path / SHARDS).write_bytes(b"\xff\xfe{}")
    with pytest.raises(UsageError, match="expected the shards of a campaign, got no text"):
        work_through(order_of(25), HERE, tmp_path, resume=True)
    with pytest.raises(UsageError, match="cannot be read"):
        work_through(order_of(25), HERE, tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_worker_with_another_program_is_refused() -> None:
    plan = replace(order_of(5).plan, program="smets1-bench 0.0.1")
    with pytest.raises(BenchError, match=r"expected smets1-bench 0\.0\.1 on every worker, got"):
        work_on(pickle.dumps(plan), Shard(0, 5))


def test_the_traces_are_judged_the_same_by_check(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from bench.cli.check import judge_files
    from bench.large_checks.inputs import trace_files

    order = order_of(INSTALLATIONS, shard=50, parquet=True)
    found = work_through(order, HERE, tmp_path)
    files = trace_files([str(tmp_path / "traces")])
    assert len(files) == 3
    judgement = judge_files(files, order.strategy, order.tolerance)
    assert judgement.events == found.tally.totals["events"]
    assert judgement.installations == INSTALLATIONS
    counted = json.loads(record_json(found))["rules"]
    for rule, count in judgement.rules.items():
        assert {word: n for word, n in count.as_json().items() if n} == counted.pop(rule)
    assert not counted


def test_a_trace_that_is_gone_is_missed(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    order = order_of(50, parquet=True)
    work_through(order, _Interrupted(1), tmp_path)
    (trace,) = (tmp_path / "traces").iterdir()
    trace.unlink()
    with pytest.raises(UsageError, match="it is gone"):
        work_through(order, HERE, tmp_path, resume=True)


def test_a_campaign_stopped_before_anything_is_done_has_a_page(tmp_path: Path) -> None:
    stopped = work_through(order_of(50), _Interrupted(0), tmp_path)
    assert not stopped.complete
    assert "EMULATED" in campaign_page(stopped)
    assert json.loads(record_json(stopped))["totals"] == {}


@pytest.mark.timeout(240)
def test_a_dask_worker_that_is_killed_makes_no_difference(whole: Campaign, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    killed: list[int] = []

    def show(progress: Progress) -> None:
        if not killed:
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with cluster:
        engine = engine_for(1, cluster.scheduler_address)
        found = work_through(order_of(INSTALLATIONS, shard=5), engine, tmp_path, show=show)
    assert killed
    assert _said(found) == _said(whole)
