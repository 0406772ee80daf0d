"""What a report shows of the lines: which messages, how many, and never a key."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from markupsafe import escape

from bench.cli import main
from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.errors import UsageError
from bench.report import exchanges
from bench.report.exchanges import BEFORE, MOMENTS, Excerpt, Passed, read_exchanges
from bench.report.html import report_html
from bench.report.render import rendered
from bench.report.trace_lines import TraceLines, read_lines
from bench.result import RunRecord, read_result
from bench.units import SECOND, format_instant, parse_instant

SAMPLE = Path(__file__).parent / "sample"
EARLY = "ea-second-repeat-early"  # failed attempts at 08:10, 12:12, 12:17 on 7 June 2021
NEVER = "ioc-hub-never-on-wan"  # 96 failed attempts
FIRST, SECOND_TRY = (parse_instant(f"2021-06-07T{each}:00Z") for each in ("08:10", "12:12"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("result.json", "trace.jsonl"):
        shutil.copy(SAMPLE / name, tmp_path)
    return tmp_path


def capture(folder: Path, device: str, *records: dict[str, object]) -> None:
    (folder / "captures").mkdir(exist_ok=True)
    with (folder / "captures" / f"{device}.jsonl").open("a", encoding="ascii") as file:
        for record in records:
            file.write(json.dumps({"port": "kit", **record}) + "\n")


def begins(scenario: str, at: int = FIRST) -> dict[str, object]:
    return {"at": format_instant(at), "event": "scenario", "detail": scenario}


def said(at: int, text: str, direction: str = "out") -> dict[str, object]:
    return {"at": format_instant(at), "dir": direction, "data": [f"{text}\r\n".encode().hex()]}


def passed(folder: Path, scenario: str = EARLY) -> Passed:
    record = read_result(folder)
    return read_exchanges(folder, record, read_lines(folder, record))[scenario]


def told(excerpt: Excerpt) -> list[str]:
    return [each.meaning for each in excerpt.exchanges]


def test_the_last_messages_before_a_failed_attempt_and_before_the_end(folder: Path) -> None:
    capture(
        folder,
        "hub",
        begins(EARLY),
        *(said(FIRST - (20 - n) * SECOND, f"before {n}") for n in range(20)),
        said(FIRST, "at it"),
        said(SECOND_TRY - SECOND, "second"),
        said(SECOND_TRY + 9 * 3600 * SECOND, "last of all"),
    )
    found = passed(folder)
    assert [excerpt.what for excerpt in found.excerpts] == [
        "attempt 1 of 3.4.1 (submit) failed with MA002",
        "attempt 2 of 3.4.1 (submit) failed with MA002",
        "the end",
    ]
    assert [excerpt.line for excerpt in found.excerpts] == [36, 37, 0]
    first, second, last = map(told, found.excerpts)
    assert first == [*(f"before {n}" for n in range(20 - BEFORE + 1, 20)), "at it"]
    assert (second, last) == (["second"], ["last of all"])
    assert (found.messages, found.shown) == (23, BEFORE + 2)


def test_lines_are_merged_by_time_and_scenarios_kept_apart(folder: Path) -> None:
    capture(folder, "hub", begins("da-commissioned"), said(FIRST - SECOND, "of another scenario"))
    capture(folder, "hub", begins(EARLY), said(FIRST - 3 * SECOND, "one"))
    capture(folder, "display", begins(EARLY), said(FIRST - 2 * SECOND, "two", "in"))
    capture(folder, "hub", said(FIRST - SECOND, "three"))
    (excerpt,) = passed(folder).excerpts
    assert told(excerpt) == ["one", "two", "three"]
    assert [each.device for each in excerpt.exchanges] == ["hub", "display", "hub"]
    assert [each.direction for each in excerpt.exchanges] == ["out", "in", "out"]
    assert passed(folder).devices == ("display", "hub")


def test_a_port_that_vanished_is_told(folder: Path) -> None:
    gone = {"at": format_instant(FIRST - SECOND), "event": "gone", "detail": "unplugged"}
    capture(folder, "hub", begins(EARLY), said(FIRST - 2 * SECOND, "wan"), gone)
    assert told(passed(folder).excerpts[0]) == ["wan", "gone: unplugged"]


def test_of_many_moments_the_first_and_the_last_are_shown(folder: Path) -> None:
    record = read_result(folder)
    scenario = next(each for each in record.scenarios if each.name == NEVER)
    began = parse_instant(scenario.started)
    capture(
        folder, "hub", begins(NEVER), *(said(began + n * 60 * SECOND, f"{n}") for n in range(2900))
    )
    found = passed(folder, NEVER)
    assert len(found.excerpts) == MOMENTS
    assert found.shown <= MOMENTS * BEFORE
    assert found.excerpts[0].line < found.excerpts[MOMENTS // 2].line
    assert found.excerpts[-1].what == "the end"
    assert found.left_out > 80
    page = report_html(record, read_lines(folder, record), None, {NEVER: found})
    assert f"{found.left_out} more such moments are left out here." in page
    assert f"capture show captures/hub.jsonl --scenario {NEVER}" in page


def test_what_did_not_pass_is_served_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture(folder, "hub", begins("da-commissioned"), said(FIRST - SECOND, "passed"))
    capture(folder, "hub", begins(EARLY), said(FIRST - SECOND, "failed"))
    monkeypatch.setattr(exchanges, "ALTOGETHER", 1)
    assert passed(folder).shown == 1
    other = passed(folder, "da-commissioned")
    assert (other.shown, other.messages, other.left_out) == (0, 1, 1)


def test_key_material_is_its_length_and_the_keys_name(folder: Path) -> None:
    hidden = {"secret": "hub/link key", "length": 16}
    damaged = ["ff00", hidden, "01" * 200]
    capture(
        folder,
        "hub",
        begins(EARLY),
        said(FIRST - 9 * SECOND, "a line of text"),
        {"at": format_instant(FIRST - 2 * SECOND), "dir": "out", "data": damaged},
    )
    record = read_result(folder)
    trace = read_lines(folder, record)
    page = report_html(record, trace, None, read_exchanges(folder, record, trace))
    assert "ff 00 &lt;secret 16 bytes, hub/link key&gt; 01 01" in page
    assert "(154 more)" in page


def test_a_faulty_capture_is_named_with_its_line(folder: Path) -> None:
    capture(folder, "hub", begins(EARLY), {"at": "yesterday"})
    with pytest.raises(UsageError, match=r"hub\.jsonl:2: "):
        rendered(folder)


def test_nothing_is_said_where_nothing_was_captured(folder: Path) -> None:
    record = read_result(folder)
    assert read_exchanges(folder, record, read_lines(folder, record)) == {}
    assert b"What passed on the lines" not in rendered(folder)["report.html"]


@pytest.mark.parametrize("text", ["<script>alert(1)", "<template><img src=x>", "{{ 7 }}"])
def test_what_a_device_says_stays_text(folder: Path, text: str) -> None:
    capture(folder, "hub", begins(EARLY), said(FIRST - SECOND, text, "in"))
    record = read_result(folder)
    trace = read_lines(folder, record)
    for scenarios in (record.scenarios, _many(record)):
        page = report_html(
            replace(record, scenarios=scenarios),
            trace,
            None,
            read_exchanges(folder, record, trace),
        )
        assert str(escape(text)) in page
        assert "<script>alert" not in page
        assert "<img" not in page
        assert page.count("<template>") == page.count("</template>")


def _many(record: RunRecord) -> tuple[object, ...]:
    others = [replace(record.scenarios[0], name=f"other-{n}") for n in range(100)]
    return (*record.scenarios, *others)


def test_a_run_over_emulated_lines(tmp_path: Path) -> None:
    """As a user does it: run, look at the report, follow its command."""
    words = ["run", "default", "--scenario", "da-rotation-reply-lost", "--station", "emulated-emu"]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.html").read_text()
    for shown in (
        "Up to attempt 1 of 3.3 (rotate, electricity) left it unknown with BENCH-DOUBT",
        "Up to SUA key of gas: new, proven by a probe",
        "AARE: accepted, logical names, ciphered, HLS-GMAC",
        "HAN=70-B3-D5-1F-30-A0-30-08",
    ):
        assert shown in page
    record = read_result(tmp_path)
    old = demo_key("70-B3-D5-1F-30-A0-30-01", KeySlot.SUA).reveal().hex()
    assert old not in page.replace(" ", "").lower()
    found = re.search(
        r"smets1-bench (capture show) (captures/electricity.jsonl --scenario [a-z-]+)", page
    )
    assert found is not None
    file, option, name = found[2].split()
    listed = CliRunner().invoke(main, [*found[1].split(), str(tmp_path / file), option, name])
    assert listed.exit_code == 0
    assert listed.output.count("hdlc") > 50
    assert rendered(tmp_path)["report.html"] == page.encode()
    assert isinstance(read_lines(tmp_path, record), TraceLines)


def test_show_of_one_scenario_names_the_nearest(folder: Path) -> None:
    capture(folder, "hub", begins(EARLY), said(FIRST, "one"), begins(NEVER), said(FIRST, "two"))
    file = str(folder / "captures" / "hub.jsonl")
    shown = CliRunner().invoke(main, ["capture", "show", file, "--scenario", NEVER])
    assert "two" in shown.output
    assert "one" not in shown.output
    wrong = CliRunner().invoke(main, ["capture", "show", file, "--scenario", NEVER[:-1]])
    assert wrong.exit_code == 2
    assert f"has no scenario '{NEVER[:-1]}'; did you mean '{NEVER}'?" in wrong.output
