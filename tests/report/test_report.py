"""The reports of a run, rendered from the sample folder beside this file."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.report import report
from bench.errors import UsageError
from bench.printable import printable
from bench.report.html import EAGER, report_html
from bench.report.junit import junit_xml
from bench.report.mrr6 import COLUMNS, mrr6_csv
from bench.report.render import render
from bench.report.text import Terminal, cells_wide, report_text
from bench.report.trace_lines import Line, TraceLines, read_lines
from bench.result import RunRecord, ScenarioRecord, read_result, to_json
from bench.trace import Opened, Report, Step

SAMPLE = Path(__file__).parent / "sample"

HOSTILE = (
    '<script>alert("x")</script>',
    "\" onmouseover='x' ' & <b>",
    "]]> </template></svg><img src=x onerror=y>",
    "\x1b[31mred\x00\x07\ud800",
    "\u202egnp.exe \u05d0\u05d1\u05d2",
    "{{ 7 * 7 }} {% raw %}",
)


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return read_result(SAMPLE)


@pytest.fixture(scope="module")
def trace(record: RunRecord) -> TraceLines:
    return read_lines(SAMPLE, record)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("result.json", "trace.jsonl"):
        shutil.copy(SAMPLE / name, tmp_path)
    return tmp_path


def scenario(record: RunRecord, name: str) -> ScenarioRecord:
    return next(each for each in record.scenarios if each.name == name)


def hostile(record: RunRecord, name: str) -> RunRecord:
    """The record with a name from outside in every place where one can stand."""
    first = scenario(record, "ea-second-repeat-early")
    device = replace(first.devices[0], name=name, identity={name: name}, keys={name: name})
    finding = {**first.findings[0], "message": name, "observed": name, "rule": name}
    bad = replace(
        first,
        name=name,
        suite=name,
        about=name,
        group=name,
        deviant=name,
        outcome=name,
        mismatches=(name,),
        findings=(finding,),
        devices=(device,),
        account=name,
        keys={name: name},
        faults=(name,),
        replay=name,
        story=(name,),
        covers=(name,),
    )
    skipped = replace(bad, not_run=name, first_line=0, last_line=0)
    return replace(
        record, suite=name, station=name, scenarios=(bad, skipped), caught=((name, name),)
    )


class Page(HTMLParser):
    """Collects what the checks need, and sees that every element is closed in order."""

    VOID = frozenset({"meta", "input", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.events: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []
        self.untitled = 0
        self._open: list[str] = []
        self._svg = False
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if self._svg:
            self.untitled += tag != "title"
            self._svg = False
        if tag == "svg":
            self._svg = True
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("src", "href", "action", "data", "poster", "xlink:href", "style"):
                self.links.append(f"{name}={value}")
            elif name.startswith("on"):
                self.events.append(name)
            elif name in ("aria-labelledby", "for"):
                self.references.append(value or "")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


# --- html ---


def test_page_is_well_formed_and_needs_nothing_else(record: RunRecord, trace: TraceLines) -> None:
    text = report_html(record, trace)
    page = Page(text)
    inside = {f"href=#{name}" for name in page.ids}
    assert set(page.links) <= inside
    assert page.events == []
    assert page.untitled == 0
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    assert [name for name, number in Counter(page.ids).items() if number > 1] == []
    assert set(page.references) <= set(page.ids)
    assert page.tags["details"] > len(record.scenarios)


def test_first_screen_says_what_it_rests_on(record: RunRecord, trace: TraceLines) -> None:
    text = report_html(record, trace)
    first = text[: text.index('id="scenarios-h"')]
    words = " ".join(re.sub(r"<[^>]*>", "", first).split())
    for said in (
        "EMULATED",
        "bench-error",
        "7 of 10 scenarios went as expected; 1 not run.",
        "Rests on emulated devices and parties only",
        "Judged by MEHRS 5.0, MAM 4.0, no overlay",
        record.certificates[0].strategy.hashes["mehrs"],
        "3.4.1-wait: failed: in ea-second-repeat-early",
        "3.3-sua-retry: inconclusive: its interval and repeats are not public; supply an overlay",
        "ea-hasty-requesting-party: 3.4.1-wait and 3.4.1-persistence failed",
    ):
        assert said in words


def test_scenario_shows_everything_of_it(record: RunRecord, trace: TraceLines) -> None:
    text = report_html(record, trace)
    shown = text[text.index('id="s-3"') : text.index('id="s-4"')]
    wanted = scenario(record, "ea-second-repeat-early")
    words = " ".join(re.sub(r"<[^>]*>", " ", shown).split())
    for said in (*wanted.mismatches, *wanted.story, wanted.replay, "trace.jsonl:38", "[C s5]"):
        assert said in words
    assert "check value 3A91C0" in words
    assert "did not answer" in words
    assert "<svg" in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(record: RunRecord, trace: TraceLines, name: str) -> None:
    page = Page(report_html(hostile(record, name), trace))
    assert page.tags["script"] == 1
    assert page.tags["img"] == 0
    assert page.events == []
    assert {link[:6] for link in page.links} == {"href=#"}
    assert "49" not in page.text
    assert printable(name) in "".join(page.text)


def test_hostile_device_names_stay_text_in_a_drawing(record: RunRecord) -> None:
    lines = [
        Line(number, replace(event, device="<img src=x>", installation="<b>\x00"))
        for number, event in enumerate(
            (line.event for line in _lines(record, "da-lost-acknowledgement-parks")), start=1
        )
    ]
    one = replace(record.scenarios[0], first_line=1, last_line=len(lines))
    page = Page(report_html(replace(record, scenarios=(one,)), TraceLines(lines)))
    assert page.tags["svg"] > 1
    assert page.tags["img"] == 0


def _lines(record: RunRecord, name: str) -> tuple[Line, ...]:
    return read_lines(SAMPLE, record).of(scenario(record, name))


def test_a_thousand_scenarios_wait_in_templates(record: RunRecord, trace: TraceLines) -> None:
    some = record.scenarios[:5]
    many = tuple(replace(some[i % len(some)], name=f"scenario-{i}") for i in range(1000))
    text = report_html(replace(record, scenarios=many), trace)
    assert text.count("<template>") == text.count("</template>") == len(many)
    assert text.count("<noscript>") == 1
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(set(ids)) == len(ids)
    assert len(text) < 20_000 * len(many)
    outside = re.sub(r"<template>.*?</template>", "", text, flags=re.DOTALL)
    assert 'class="timeline"' not in outside
    assert set(re.findall(r"<bdi>(scenario-\d+)</bdi>", outside)) == {each.name for each in many}


def test_drawings_of_a_small_report_need_no_javascript(
    record: RunRecord, trace: TraceLines
) -> None:
    assert len(record.scenarios) <= EAGER
    page = Page(report_html(record, trace))
    assert page.tags["template"] == page.tags["noscript"] == 0


def test_policy_names_the_style_and_script_that_are_there(
    record: RunRecord, trace: TraceLines
) -> None:
    import base64
    import hashlib

    text = report_html(record, trace)
    for tag in ("style", "script"):
        found = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


# --- junit ---


def test_junit_maps_each_verdict(record: RunRecord) -> None:
    root = ET.fromstring(junit_xml(record))
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "11",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    cases = {case.get("name"): case for case in root.iter("testcase")}
    kinds = {
        name: [e.tag for e in case if e.tag not in ("properties", "system-out")]
        for name, case in cases.items()
    }
    assert kinds.pop("ea-second-repeat-early") == ["failure"]
    assert kinds.pop("da-relay-stuck") == ["error"]
    assert kinds.pop("ioc-hub-never-on-wan") == ["skipped"]
    assert kinds.pop("mds-retry") == ["skipped"]
    assert set(map(tuple, kinds.values())) == {()}
    failure = cases["ea-second-repeat-early"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "expected rule 3.4.1-wait passed, got failed" in failure.text
    assert "replay: smets1-bench run" in failure.text
    skipped = cases["ioc-hub-never-on-wan"].find("skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("inconclusive: ")


def test_junit_names_what_the_verdicts_rest_on(record: RunRecord) -> None:
    root = ET.fromstring(junit_xml(record))
    suite = root.find("testsuite/properties")
    assert suite is not None
    named = {entry.get("name"): entry.get("value") for entry in suite}
    assert named["evidence"] == "EMULATED"
    assert named["seed"] == "7"
    assert named["certificate.1.verdict"] == "fail"
    assert named["certificate.1.hash.mehrs"] == record.certificates[0].strategy.hashes["mehrs"]


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_is_xml_whatever_the_names(record: RunRecord, name: str) -> None:
    root = ET.fromstring(junit_xml(hostile(record, name)))
    assert root.find("testsuite/testcase").get("name") == printable(name)  # type: ignore[union-attr]


# --- mrr6 ---


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_mrr6_has_a_row_for_each_report(record: RunRecord, trace: TraceLines) -> None:
    head, *found = rows(mrr6_csv(record, trace))
    assert head == list(COLUMNS)
    assert "not public" in head[0]
    assert [dict(zip(head[1:], row[1:], strict=True)) for row in found] == [
        {
            "reported at (UTC)": "2021-06-07T16:50:00Z",
            "installation": "DA-0005",
            "group": "DA",
            "passage": "1",
            "code": "MA122",
            "section that failed": "commissioning",
            "failed at (UTC)": "2021-06-07T16:50:00Z",
            "code of that section": "BENCH-CLOCK",
            "account with": "DCC",
            "passage closed as": "failed",
            "scenario": "da-chf-incident-then-clock",
            "strategy": "MEHRS 5.0, MAM 4.0",
            "evidence": "EMULATED",
        }
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r+", " ="])
def test_mrr6_cells_are_no_formulas(record: RunRecord, begin: str) -> None:
    name = f'{begin}1+1,"x"\n'
    at = 1_623_052_800_000_000
    events = (
        Opened(at=at, installation=name, group="DA"),
        Step(at=at, installation=name, section="commissioning", outcome="failed", code=name),
        Report(at=at, installation=name, report="MRR6", outcome="failure", code=name),
    )
    lines = TraceLines(Line(number, event) for number, event in enumerate(events, start=1))
    one = replace(record.scenarios[0], name=name, first_line=1, last_line=3)
    _, row = rows(mrr6_csv(replace(record, scenarios=(one,)), lines))
    assert len(row) == len(COLUMNS)
    assert [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))] == []


# --- text ---


def test_table_in_full(record: RunRecord) -> None:
    text = report_text(record, Terminal(100), "out/report.html")
    lines = text.splitlines()
    assert lines[0].split() == ["scenario", "group", "verdict", "outcome", "attempts", "simulated"]
    assert "ea-second-repeat-early         EA     ✗ fail" in text
    assert "    expected rule 3.4.1-wait passed, got failed" in lines
    assert "3.3-sua-retry: inconclusive: its interval and repeats are not public" in text
    assert lines[-1] == "report: out/report.html"
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [20, 60, 80, 100, 300])
def test_table_keeps_to_the_width(record: RunRecord, width: int) -> None:
    wide = replace(record.scenarios[0], name="電力量計" * 20)
    text = report_text(replace(record, scenarios=(wide, *record.scenarios)), Terminal(width))
    lines = [line for line in text.splitlines()[:20] if "replay:" not in line]  # to be copied
    longest = max(map(cells_wide, lines))
    assert longest <= max(85, min(width, 120))


def test_colour_adds_nothing_but_colour(record: RunRecord) -> None:
    plain = report_text(record, Terminal(100))
    coloured = report_text(record, Terminal(100, colour=True))
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_ascii_terminal_gets_ascii(record: RunRecord) -> None:
    assert report_text(record, Terminal(100, unicode=False)).isascii()


@pytest.mark.parametrize("name", HOSTILE)
def test_names_send_a_terminal_nothing(record: RunRecord, name: str) -> None:
    text = report_text(hostile(record, name), Terminal(100))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_text_and_story_load_no_template_engine() -> None:
    code = (
        "import sys; import bench.report.text, bench.report.story; "
        "print([m for m in ('jinja2', 'rich', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the folder ---


def test_same_folder_same_bytes(folder: Path) -> None:
    names = ("report.html", "junit.xml", "mrr6.csv")
    render(folder)
    before = [(folder / name).read_bytes() for name in names]
    code = (
        "import sys; from pathlib import Path; from bench.report.render import render; "
        "render(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "7"})
    assert [(folder / name).read_bytes() for name in names] == before


def test_record_survives_its_file(record: RunRecord) -> None:
    assert to_json(record) == (SAMPLE / "result.json").read_text(encoding="utf-8")


def test_command_writes_and_prints(folder: Path) -> None:
    done = CliRunner().invoke(report, [str(folder)])
    assert done.exit_code == 0
    assert done.output.endswith(f"report: {folder / 'report.html'}\n")
    assert (folder / "junit.xml").exists()


def broken_trace(folder: Path) -> None:
    path = folder / "trace.jsonl"
    path.write_text(path.read_text().replace('"event": "step"', '"event": "stpe"', 1))


def shorter_trace(folder: Path) -> None:
    path = folder / "trace.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:50]))


def no_trace(folder: Path) -> None:
    (folder / "trace.jsonl").unlink()


def no_result(folder: Path) -> None:
    (folder / "result.json").unlink()


def other_format(folder: Path) -> None:
    path = folder / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (broken_trace, r"trace.jsonl:3: .*did you mean"),
        (shorter_trace, "trace.jsonl: expected at least 263 lines, got 50"),
        (no_trace, "expected a readable trace file"),
        (no_result, "result.json: no such file"),
        (other_format, "expected format 1, got 99"),
        (no_folder, "expected the folder of a run, got nothing of that name"),
    ],
)
def test_command_names_what_is_wrong(folder: Path, spoil: object, says: str) -> None:
    assert callable(spoil)
    spoil(folder)
    done = CliRunner().invoke(report, [str(folder)])
    assert isinstance(done.exception, UsageError)
    assert re.search(says, str(done.exception))
    assert not (folder / "report.html").exists()
