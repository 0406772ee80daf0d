"""`doctor` shows what a station's devices have been put through, beside its budgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.doctor.finding import Condition
from bench.doctor.spent import spent
from bench.ledger import Entry, Ledger, beside
from bench.station import read_station

STATION = """
station: my-bench
budgets: {wake-ups: 40}
installation:
  group: DA
  devices:
    electricity:
      {role: electricity-meter, eui64: 70-B3-D5-1F-30-00-A0-01, model: E1,
       port: /dev/meter, profile: generic-dlms-electricity, security: {test-keys: true}}
    gas: {role: gas-meter, eui64: 70-B3-D5-1F-30-00-A0-02, model: G1, port: "via:hub"}
    hub:
      {role: comms-hub, eui64: 70-B3-D5-1F-30-00-A0-03, model: H1,
       port: /dev/hub, profile: generic-console-hub}
"""


@pytest.fixture
def station(tmp_path: Path) -> Path:
    path = tmp_path / "bench.yaml"
    path.write_text(STATION, encoding="utf-8")
    return path


def test_nothing_is_said_without_a_ledger(station: Path) -> None:
    assert list(spent(read_station(station), str(station))) == []


def test_what_is_spent_stands_beside_the_budget(station: Path) -> None:
    entries = {
        "70-B3-D5-1F-30-00-A0-01": Entry("electricity", counter=7, rotations=2, scenarios=3),
        "70-B3-D5-1F-30-00-A0-03": Entry("hub", wake_ups=40, scenarios=3),
    }
    Ledger(beside(station), entries).write()
    meter, hub = spent(read_station(station), str(station))
    assert (meter.condition, meter.detail) == (
        Condition.OK,
        "3 scenarios over all runs; 2 rotations, command counter 7; "
        "0 of 2 wrong keys since it proved one",
    )
    assert (hub.subject, hub.condition) == ("ledger of hub", Condition.ATTENTION)
    assert "40 of 40 wake-up SMS" in hub.detail
    assert "bench.ledger.json" in hub.next_step


def test_a_broken_ledger_is_faulty(station: Path) -> None:
    beside(station).write_text("[]", encoding="utf-8")
    (found,) = spent(read_station(station), str(station))
    assert found.condition is Condition.FAULTY
