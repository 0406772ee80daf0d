"""What ISO/IEC 17025 7.8.2.1 expects of a test report stands in it, or a line to write on."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.report import report
from bench.errors import UsageError
from bench.report.details import Details, Party, read_details
from bench.report.deviations import deviations
from bench.report.html import report_html
from bench.report.particulars import identity_of, particulars
from bench.report.trace_lines import Line, TraceLines, read_lines
from bench.report.wait_uncertainty import CLOCK, read_uncertainties
from bench.result import RunRecord, read_result
from bench.trace import Opened, Outage
from bench.units import SECOND

SAMPLE = Path(__file__).parent / "sample"

FULL = """\
laboratory: {name: Prüflabor Nord, address: "Kai 7, Hamburg"}
location: at the customer's
customer: {name: "Meter <Works> Ltd", address: "1 High Street, Leeds"}
order: A-17
items: sealed, undamaged
received: "2026-11-20"
sampling: two of a lot of fifty
conditions: 21 °C
issued: "2026-11-24"
authorised-by: J. Bloggs, head of laboratory
external: none of it
remarks: first of three
"""


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return read_result(SAMPLE)


@pytest.fixture(scope="module")
def trace(record: RunRecord) -> TraceLines:
    return read_lines(SAMPLE, record)


def said(record: RunRecord, trace: TraceLines, details: Details) -> dict[str, tuple[str, ...]]:
    found = particulars(record, trace, details)
    return {entry.letter or entry.asks: entry.said for entry in found.entries}


def test_every_letter_of_the_clause(record: RunRecord, trace: TraceLines) -> None:
    entries = said(record, trace, Details())
    assert [letter for letter in entries if len(letter) == 1] == list("abcdefghijklmnop")
    blank = {letter for letter, lines in entries.items() if not any(lines)}
    assert blank == set("bcehjkop"), "what only people know"
    assert entries["a"] == ("Test report, EMULATED evidence",)
    assert "relate only to the items tested" in entries["l"][0]
    assert "No accreditation is claimed" in entries["l"][0]
    assert record.suite in entries["f"][0]
    assert "in simulated time" in entries["i"][0]
    assert all("EMULATED" in item for item in entries["g"])


def test_what_people_know_is_filled_in(
    record: RunRecord, trace: TraceLines, tmp_path: Path
) -> None:
    (tmp_path / "details.yaml").write_text(FULL, encoding="utf-8")
    details = read_details(tmp_path)
    entries = said(record, trace, details)
    assert not [letter for letter, lines in entries.items() if not all(lines)]
    html = report_html(record, trace, details)
    for text in ("Prüflabor Nord", "Kai 7, Hamburg", "Meter &lt;Works&gt; Ltd", "order: A-17"):
        assert text in html
    for line in FULL.splitlines()[4:]:
        assert line.partition(": ")[2].strip('"') in html, line


def test_blank_lines_stand_where_nothing_is_known(record: RunRecord, trace: TraceLines) -> None:
    html = report_html(record, trace)
    assert html.count('<p class="blank">') == 10
    assert "not stated" in html


def test_one_identification_on_every_page(record: RunRecord, trace: TraceLines) -> None:
    ident = identity_of(record, Details())
    assert re.fullmatch(r"SB-[0-9A-F]{12}", ident)
    html = report_html(record, trace)
    assert html.count(ident) == 4, "head, letter d, end, and the foot of each printed page"
    assert f"End of test report {ident}" in html
    assert "position:fixed" in html
    assert 'counter(page) " of " counter(pages)' in html
    others = {
        identity_of(replace(record, seed=record.seed + 1), Details()),
        identity_of(record, Details(issued="today")),
        identity_of(record, Details(customer=Party("today"))),
    }
    assert len({ident, *others}) == 4


def test_the_decision_rule_with_its_uncertainty(record: RunRecord, trace: TraceLines) -> None:
    words = " ".join(particulars(record, trace, Details()).decision)
    assert "guard band" in words
    assert "T = 1 min" in words
    assert "at most 0 s in this run, whose clock is virtual" in words
    first = record.scenarios[0]
    opened = Opened(at=0, installation="x", group="DA", uncertainty_s=1.5)
    lines = TraceLines([Line(first.first_line, opened)])
    other = replace(record, clock="wall", tolerance_s=5)
    words = " ".join(particulars(other, lines, Details()).decision)
    assert "T = 5 s" in words
    assert "at most 1.5 s in this run." in words
    uncertainties = {"3.3.interval": SECOND // 10, "3.4.1.wait": 3 * SECOND // 2}
    words = " ".join(particulars(other, lines, Details(), uncertainties).decision)
    assert "Of a wait as long as its limit: 3.3.interval 0.1 s; 3.4.1.wait 1.5 s." in words


@pytest.mark.parametrize("content", [None, "{", "[]", '{"scenarios": {"a": {"waits": 1}}}'])
def test_uncertainties_that_nobody_wrote_down(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / CLOCK).write_text(content, encoding="utf-8")
    assert read_uncertainties(tmp_path) == {}


def test_the_largest_uncertainty_of_all_scenarios_counts(tmp_path: Path) -> None:
    waits = [{"waits": {"3.3.interval": {"limit": 9, "uncertainty": of}}} for of in (1, 3, 2)]
    clock = {"clock": "wall", "scenarios": dict(zip("abc", waits, strict=True))}
    (tmp_path / CLOCK).write_text(json.dumps(clock), encoding="utf-8")
    assert read_uncertainties(tmp_path) == {"3.3.interval": 3}


def test_departures_are_told_and_methods_are_not(record: RunRecord, trace: TraceLines) -> None:
    first = replace(record.scenarios[0], not_run="no relay board", unknown=("supply: not read",))
    outage = Outage(at=9, installation="x", from_=0, to=9 * SECOND, of="clock")
    lines = TraceLines([Line(first.first_line, outage)])
    changed = replace(record, scenarios=(first,), stopped="SIGTERM")
    kinds = {each.kind for each in deviations(changed, lines)}
    assert {"stopped", "not run", "unknown", "outage", "placeholder"} <= kinds
    told = " ".join(said(changed, lines, Details())["n"])
    for what in ("stopped by SIGTERM", "no relay board", "supply: not read", "of the clock, from"):
        assert what in told
    assert "on purpose" not in " ".join(said(record, trace, Details())["n"])


def test_the_command_keeps_the_details(tmp_path: Path) -> None:
    folder, file = tmp_path / "run", tmp_path / "lab.yaml"
    shutil.copytree(SAMPLE, folder)
    file.write_text(FULL, encoding="utf-8")
    done = CliRunner().invoke(report, [str(folder), "--quiet", "--details", str(file)])
    assert done.exit_code == 0, done.output
    assert (folder / "details.yaml").read_text(encoding="utf-8") == FULL
    assert "J. Bloggs, head of laboratory" in (folder / "report.html").read_text(encoding="utf-8")
    file.write_text("laboratory: {nam: x}\nauthorised: somebody\n")
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(report, [str(folder), "--details", str(file)], catch_exceptions=False)
    text = str(caught.value)
    assert f"{file}:1:14: laboratory.nam: unknown key 'nam'; did you mean 'name'?" in text
    assert (
        f"{file}:2:1: authorised: unknown key 'authorised'; did you mean 'authorised-by'?" in text
    )
    assert (folder / "details.yaml").read_text(encoding="utf-8") == FULL, "a faulty one is not kept"
