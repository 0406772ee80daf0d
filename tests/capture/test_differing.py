"""Two sessions aligned in content and timing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import console_session, meter_session, modbus_session

from bench.units import HOUR, MILLISECOND, SECOND
from drivers.capture.decoding import decode
from drivers.capture.differing import (
    Difference,
    Found,
    Thresholds,
    difference_json,
    difference_lines,
    differences,
)
from drivers.capture.records import CaptureRecord, Direction, Passed

AT = 1_617_874_200 * SECOND


def lines(*said: str, step: int = SECOND // 10) -> list[CaptureRecord]:
    """`>` lines of the bench, others of the device, one each step."""
    return [
        Passed(
            AT + number * step,
            "p",
            Direction.OUT if line.startswith(">") else Direction.IN,
            (line.encode() + b"\r\n",),
        )
        for number, line in enumerate(said)
    ]


def compare(a: list[CaptureRecord], b: list[CaptureRecord], **how: object) -> list[Found]:
    return differences(decode(a), decode(b), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("session", [meter_session, modbus_session, console_session])
def test_a_session_is_the_same_as_itself_and_as_itself_a_day_later(session: object) -> None:
    records = session()  # type: ignore[operator]
    later = [replace(record, at=record.at + 24 * HOUR, port="q") for record in records]
    assert compare(records, records) == []
    assert compare(records, later) == []


def test_what_is_changed_added_and_missing() -> None:
    a = lines(">clock", "CLOCK 1", "OK", ">mains", "MAINS 230", "OK")
    b = lines(">clock", "CLOCK 2", "OK", ">identify", "ID 7", "OK", ">mains", "MAINS 230")
    assert list(difference_lines(compare(a, b, thresholds=None))) == [
        "- p <- console CLOCK 1",
        "+ p <- console CLOCK 2",
        "+ p -> console >identify",
        "+ p <- console ID 7",
        "+ p <- console OK",
        "- p <- console OK",
    ]


def test_without_values_only_the_kinds_count() -> None:
    a = lines(">clock", "CLOCK 1", "OK")
    b = lines(">clock", "CLOCK 2", "OK")
    assert compare(a, b, values=False) == []
    assert compare(a, lines(">clock", "ERR 2", "OK"), values=False) != []


def test_timing_is_compared_by_two_thresholds() -> None:
    a = lines(">clock", "CLOCK 1", step=SECOND)
    b = lines(">clock", "CLOCK 1", step=SECOND + 300 * MILLISECOND)
    assert compare(a, b) == []
    (found,) = compare(a, b, thresholds=Thresholds(slack=50 * MILLISECOND, share=0.1))
    assert found.difference is Difference.TIMING
    assert found.waited == (SECOND, SECOND + 300 * MILLISECOND)
    assert list(difference_lines([found])) == [
        "~ p <- console CLOCK 1",
        "    after 1.000000 s in A, 1.300000 s in B",
    ]
    assert compare(a, b, thresholds=Thresholds(slack=SECOND, share=0.0)) == []
    assert difference_json([found])[0]["waited"] == [SECOND, SECOND + 300 * MILLISECOND]


def test_the_pace_of_the_bench_can_be_left_out() -> None:
    a = lines(">clock", "CLOCK 1", ">clock", "CLOCK 1")
    b = [*a[:2], *(replace(record, at=record.at + HOUR) for record in a[2:])]
    assert [found.difference for found in compare(a, b)] == [Difference.TIMING]
    assert compare(a, b, answers_only=True) == []


def test_ports_are_paired_by_name() -> None:
    a = lines(">clock", "OK")
    other = [replace(record, port="q") for record in a]
    assert compare([*a, *other], [*other, *a]) == []
    found = compare([*a, *other], a)
    assert [each.difference for each in found] == [Difference.ONLY_A] * 2


words = st.lists(st.sampled_from(["a", "b", "c", ">d"]), max_size=14)


@given(words, words)
def test_differences_turn_one_session_into_the_other(a: list[str], b: list[str]) -> None:
    found = compare(lines(*a, step=0), lines(*b, step=0), thresholds=None)

    def said(which: str) -> list[str]:
        messages = [getattr(each, which) for each in found]
        return [m.decoded.meaning for m in messages if m is not None]

    rest_a, rest_b = list(a), list(b)
    for word in said("a"):
        rest_a.remove(word)
    for word in said("b"):
        rest_b.remove(word)
    assert sorted(rest_a) == sorted(rest_b)
    assert (found == []) == (a == b)


@given(words, st.integers(0, 13), st.sampled_from(["x", "y"]))
def test_one_line_more_is_one_difference(a: list[str], place: int, word: str) -> None:
    b = [*a[:place], word, *a[place:]]
    found = compare(lines(*a, step=0), lines(*b, step=0), thresholds=None)
    assert [each.difference for each in found] == [Difference.ONLY_B]


def test_long_sessions_with_nothing_in_common_are_compared_in_reasonable_time() -> None:
    a = [f"a{number}" for number in range(3_000)]
    b = [f"b{number}" for number in range(3_000)]
    assert len(compare(lines(*a, step=0), lines(*b, step=0), thresholds=None)) == 3_000
