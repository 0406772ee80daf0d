"""The time line: what is drawn where, and that no label lies on another."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.limits import permitted_by
from bench.report.timeline import Drawing, draw
from bench.report.timeline_lanes import Lane, Permitted, lanes_of
from bench.report.timeline_scale import BREAK_WIDTH, Scale, idle_spans
from bench.report.timeline_signs import wide
from bench.report.trace_lines import Line, read_lines
from bench.result import ParameterRecord, read_result
from bench.trace import Attempt, File, Opened
from bench.units import DAY, HOUR, MINUTE, Micros, parse_instant

SAMPLE = Path(__file__).parent / "sample"
RECORD = read_result(SAMPLE)
TRACE = read_lines(SAMPLE, RECORD)
RUN = [each for each in RECORD.scenarios if not each.not_run]
PERMITTED = permitted_by(RECORD, RUN[0].strategy)
T0 = parse_instant("2021-06-07T08:00:00Z")


def drawing(name: str) -> Drawing:
    each = next(scenario for scenario in RUN if scenario.name == name)
    return draw(TRACE.of(each), PERMITTED, each.findings, name=name, ident="t")


def lanes(name: str) -> dict[str, Lane]:
    each = next(scenario for scenario in RUN if scenario.name == name)
    found = lanes_of(TRACE.of(each), PERMITTED, each.findings)
    return {f"{lane.name} {lane.note}".strip(): lane for lane in found}


def lines(*events: Opened | Attempt | File) -> list[Line]:
    return [Line(number, event) for number, event in enumerate(events, start=1)]


# --- the drawing ---


ALL = [
    (scenario.name, how)
    for scenario in RUN
    for how in ("svg", "cut")
    if getattr(drawing(scenario.name), how) is not None
]


@pytest.mark.parametrize(("name", "how"), ALL)
def test_labels_do_not_overlap(name: str, how: str) -> None:
    root = ET.fromstring(getattr(drawing(name), how))
    width = float(root.get("width", "0"))
    by_row: dict[str, list[tuple[float, float, str]]] = {}
    for text in root.iter("text"):
        style, label = text.get("class", ""), text.text or ""
        if style in ("name", "note"):
            continue
        x, wanted = float(text.get("x", "0")), wide(label)
        left = x - wanted / 2 if style in ("tick", "length") else x
        by_row.setdefault(text.get("y", ""), []).append((left, left + wanted, label))
    for row in by_row.values():
        row.sort()
        for (_, right, one), (left, _, other) in itertools.pairwise(row):
            assert right <= left + 0.5, (one, other)
        assert row[-1][1] <= width + 0.5


@pytest.mark.parametrize(("name", "how"), ALL)
def test_everything_lies_inside(name: str, how: str) -> None:
    root = ET.fromstring(getattr(drawing(name), how))
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for rect in root.iter("rect"):
        x, y, w, h = (float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width + 0.2
        assert y + h <= height + 0.2


def test_drawing_tells_itself_in_words() -> None:
    root = ET.fromstring(drawing("ioc-hub-never-on-wan").svg)
    assert root.get("role") == "img"
    title = root[0]
    assert title.tag == "title"
    assert root.get("aria-labelledby") == title.get("id") == "t"
    assert title.text == (
        "Time line of ioc-hub-never-on-wan, IOC-0001: 7 Jun 2021 08:00 to 9 Jun 2021 08:02 UTC, "
        "48 h 2 min, 102 events, 96 attempts; to scale"
    )
    titles = [each.text or "" for each in root.iter("title")]
    assert sum(text.startswith("Attempt ") for text in titles) == 96
    assert "Outage of the log from 7 Jun 2021 23:40, 1 h" in titles


def test_outcomes_differ_by_shape() -> None:
    root = ET.fromstring(drawing("da-lost-acknowledgement-parks").svg)
    shapes = {}
    for path in root.iter("path"):
        if path.get("class") in ("passed", "failed", "unknown"):
            shapes[path.get("class")] = "".join(c for c in path.get("d", "") if c.isalpha())
    assert len(shapes) == 3
    assert len(set(shapes.values())) == 3


def test_idle_spans_are_cut_only_in_a_drawing_of_their_own() -> None:
    split = drawing("da-split-supply-week")
    assert split.cut is not None
    assert 'class="break"' not in split.svg
    assert split.cut.count('class="break"') == 3
    assert "no event for 6 d 16 h" in split.svg
    assert drawing("da-commissioned").cut is None  # three hours are legible as they are


def test_equal_waits_share_a_label_where_there_is_no_room() -> None:
    svg = drawing("ioc-hub-never-on-wan").svg
    assert ">92 × 30 min<" in svg
    assert ">3 × 5 min<" in svg
    assert drawing("ea-five-repeats").svg.count(">4 h<") == 5


# --- the lanes ---


def test_window_lies_around_the_limit() -> None:
    lane = lanes("ea-second-repeat-early")["3.4.1 submit"]
    first = T0 + 10 * MINUTE
    assert next((w.start, w.end) for w in lane.windows) == (
        first + 4 * HOUR - MINUTE,
        first + 4 * HOUR + MINUTE,
    )
    assert "4 h ± 60 s [C s5]" in lane.windows[0].title
    assert [wait.label for wait in lane.waits] == ["4 h", "4 min", "4 h"]


def test_placeholder_is_not_drawn_as_permitted() -> None:
    lane = lanes("da-lost-acknowledgement-parks")["3.3 rotate electricity"]
    assert {window.style for window in lane.windows} == {"placeholder"}
    assert "not public" in lane.windows[0].title


def test_limits_of_file_set_and_period() -> None:
    files = lanes("da-file-set-never-comes")["files"]
    assert next(mark.at for mark in files.limits) == T0 + 40 * MINUTE + DAY
    contact = lanes("ioc-hub-never-on-wan")["3.1 contact"]
    assert [mark.at for mark in contact.limits] == [T0 + 10 * MINUTE + 2 * DAY]
    assert [mark.label for mark in contact.limits] == ["end of 48 h"]


def test_readings_move_the_windows() -> None:
    def permitted(measured: str, period: str) -> Permitted:
        held = {
            "3.1.long-interval": ParameterRecord(30 * MINUTE, "carried", "[S row 4]"),
            "3.1.total-period": ParameterRecord(2 * DAY, "carried", "[S row 4]"),
            "3.1.period-from": ParameterRecord(period, "reading", "[S row 4]"),
            "3.x.measured-from": ParameterRecord(measured, "reading", "[S row 4]"),
        }
        return Permitted(held, MINUTE)

    def attempt(number: int, phase: str, at: Micros) -> Attempt:
        return Attempt(
            at=T0 + at,
            installation="I",
            section="3.1",
            phase=phase,
            number=number,
            outcome="failed",
            started=T0 + at - 2 * MINUTE,
        )

    trace = lines(
        Opened(at=T0, installation="I", group="IOC"),
        attempt(1, "short", 5 * MINUTE),
        attempt(2, "long", 37 * MINUTE),
        attempt(3, "long", 69 * MINUTE),
    )
    from_end = lanes_of(trace, permitted("end", "first-attempt"), ())[-1]
    from_start = lanes_of(trace, permitted("start", "first-long"), ())[-1]
    assert [w.start - T0 for w in from_end.windows] == [34 * MINUTE, 66 * MINUTE]
    assert [w.start - T0 for w in from_start.windows] == [32 * MINUTE, 64 * MINUTE]
    assert [m.at - T0 for m in from_end.limits] == [5 * MINUTE + 2 * DAY]
    assert [m.at - T0 for m in from_start.limits] == [37 * MINUTE + 2 * DAY]


def test_skipped_number_has_no_window() -> None:
    def attempt(number: int, at: Micros) -> Attempt:
        return Attempt(
            at=T0 + at, installation="I", section="3.4.1", number=number, outcome="failed"
        )

    trace = lines(
        Opened(at=T0, installation="I", group="EA"), attempt(1, HOUR), attempt(3, 9 * HOUR)
    )
    lane = lanes_of(trace, PERMITTED, ())[-1]
    assert lane.windows == []
    assert [wait.label for wait in lane.waits] == ["8 h"]


def test_other_groups_have_no_file_set_limit() -> None:
    trace = lines(
        Opened(at=T0, installation="I", group="MDS"),
        File(at=T0 + HOUR, installation="I", file="MVF", action="generated"),
    )
    assert [lane.limits for lane in lanes_of(trace, PERMITTED, ()) if lane.name == "files"] == [[]]


def test_account_and_keys_are_bands() -> None:
    found = lanes("da-file-set-never-comes")
    assert [band.label for band in found["account"].bands] == ["SMSO", "DCC", "SMSO", "DCC"]
    assert [band.style for band in found["SUA key electricity"].bands] == ["key-new"]
    assert [band.label for band in found["passage"].bands] == [
        "1: resubmittable",
        "2: commissioned",
    ]
    unproven = lanes("da-lost-acknowledgement-parks")["SUA key electricity"]
    assert [band.style for band in unproven.bands] == ["key-unknown"]


def test_finding_stands_at_its_line() -> None:
    lane = lanes("ea-second-repeat-early")["findings"]
    assert [(mark.label, mark.at) for mark in lane.marks] == [("1", T0 + 257 * MINUTE)]


def test_shipped_limits_stand_in_only_for_the_same_strategy() -> None:
    bare = replace(RECORD, parameters={})
    strategy = RUN[0].strategy
    assert permitted_by(bare, strategy) == PERMITTED
    other = replace(strategy, hashes={**strategy.hashes, "mehrs": "sha256:0"})
    assert permitted_by(bare, other).parameters == {}
    overlaid = replace(strategy, overlay="lab")
    assert permitted_by(bare, overlaid).parameters == {}


# --- the scale ---


@st.composite
def scales(draw_: st.DrawFn) -> Scale:
    points = draw_(st.lists(st.integers(0, 40 * DAY), min_size=2, max_size=12, unique=True))
    points.sort()
    spans = idle_spans(points, points[0], points[-1], 0.1)
    return Scale(points[0], points[-1], left=100, width=1200, cuts=spans[:8])


@given(scales(), st.lists(st.integers(0, 40 * DAY), min_size=2, max_size=20))
def test_scale_keeps_order_and_bounds(scale: Scale, times: list[Micros]) -> None:
    times.sort()
    drawn = [scale.x(at) for at in times]
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(drawn))
    assert all(scale.left - 1e-6 <= x <= scale.right + 1e-6 for x in drawn)


@given(scales())
def test_ticks_keep_apart_and_out_of_cuts(scale: Scale) -> None:
    ticks = scale.ticks(58)
    assert all(b.x - a.x >= 58 for a, b in itertools.pairwise(ticks))
    for _, _, left, right in scale.cuts:
        assert right - left == pytest.approx(BREAK_WIDTH)
        assert not any(left + 1e-6 < tick.x < right - 1e-6 for tick in ticks)


@given(st.integers(1, 400 * DAY))
def test_without_cuts_it_is_to_scale(length: Micros) -> None:
    scale = Scale(T0, T0 + length, left=10, width=900)
    for share in (0, 1, 2, 3, 4):
        assert scale.x(T0 + length * share // 4) == pytest.approx(
            10 + 900 * (length * share // 4) / length
        )


def test_idle_spans_take_their_share() -> None:
    assert idle_spans([10, 20, 95], 0, 100, 0.5) == ((20, 95),)
    assert idle_spans([], 0, 100, 0.5) == ((0, 100),)
    assert idle_spans([50], 0, 100, 0.6) == ()
