"""An instrument past its due date makes what rests on it inconclusive; the report names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bench import run_record
from bench.certificate import in_doubt
from bench.errors import UsageError
from bench.evidence.packing import pack
from bench.order import Order
from bench.report.details import Details
from bench.report.particulars import particulars
from bench.report.trace_lines import TraceLines
from bench.result import InstrumentRecord, read_result
from bench.runner import run_suite
from bench.station import Station
from bench.station.form import Calibration, Kit, ReferenceMeterEntry

METER = InstrumentRecord("reference meter", "electricity", "RM-7", "C-123", "2026-11-22", "0.002")

SUITE = """\
suite: one
scenarios:
  - scenario: comes-through
    about: nothing goes wrong
    installation: da-electricity-only
    start: 2021-05-04T08:00:00Z
    expect: {outcome: commissioned}
"""


@pytest.mark.parametrize(
    ("at", "due", "doubt"),
    [
        ("2026-11-21T23:59:59Z", "2026-11-22", False),
        ("2026-11-22T00:00:00Z", "2026-11-22", False),
        ("2026-11-22T23:59:59.999999Z", "2026-11-22", False),
        ("2026-11-23T00:00:00Z", "2026-11-22", True),
        ("2027-01-01T00:00:00Z", "2026-11-22", True),
        ("2020-01-01T00:00:00Z", "", True),
    ],
)
def test_when_an_instrument_can_be_relied_on(at: str, due: str, doubt: bool) -> None:
    instrument = replace(METER, due=due)
    assert bool(in_doubt([instrument], "electricity", at)) is doubt
    assert in_doubt([instrument], "gas", at) == [], "it measures another device"
    assert in_doubt([], "electricity", at) == []


@pytest.mark.parametrize(
    ("due", "verdict"),
    [(date(2021, 5, 5), "pass"), (date(2021, 5, 4), "inconclusive"), (None, "inconclusive")],
)
def test_a_scenario_on_a_bench_with_a_reference_meter(
    due: date | None, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario opens on 5 May 2021, a day after its clock starts."""
    calibration = Calibration("RM-7", "C-123", due, Decimal("0.002")) if due else None
    profile = "generic-modbus-reference-meter"
    meter = ReferenceMeterEntry("/dev/none", profile, "electricity", calibration)
    instruments = run_record.instruments_of(Station("a bench", kit=Kit(reference_meter=meter)))
    monkeypatch.setattr(run_record, "instruments_of", lambda _: instruments)  # no such port to open
    suite = tmp_path / "one.yaml"
    suite.write_text(SUITE)
    record = run_suite(Order(suite, "one", 1), tmp_path / "out")
    (scenario,) = record.scenarios
    assert scenario.verdict == record.verdict == verdict
    assert bool(scenario.unknown) is (verdict == "inconclusive")
    assert read_result(tmp_path / "out").instruments == record.instruments
    shown = particulars(record, TraceLines(), Details())
    (entry,) = [each for each in shown.entries if each.asks == "instruments"]
    assert ("certificate C-123" in entry.said[0]) is (due is not None)
    pack(tmp_path / "out")
    result = tmp_path / "out" / "result.json"
    if due == date(2021, 5, 5):
        text = result.read_text().replace('"due": "2021-05-05"', '"due": "2021-05-04"')
        result.write_text(text)
        with pytest.raises(UsageError, match="passes over that reference meter of electricity"):
            pack(tmp_path / "out")
