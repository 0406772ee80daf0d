"""Reading trace lines: what is an event, and what is said of a line that is none."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.trace import EVENT_TYPES, Attempt, Event, Opened, Outage, Report, Step, to_json
from bench.trace_reading import (
    LISTED,
    LONGEST_LINE,
    Complaints,
    FaultyLine,
    Places,
    Reading,
    event_of,
    object_of,
    read_trace,
)

AT = "2021-05-04T09:00:00Z"
LEAD = {"at": AT, "installation": "I-0001"}
ATTEMPT = {
    **LEAD,
    "event": "attempt",
    "section": "3.4.1",
    "number": 1,
    "outcome": "failed",
}


def read(*lines: str | bytes, path: Path) -> tuple[list[Event], list[str], Reading]:
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    )
    places, reading = Places(), Reading()
    complaints = Complaints(places)
    problems: list[str] = []
    events = []
    try:
        for _, event in read_trace([str(path)], places, complaints, reading=reading):
            events.append(event)
        complaints.raise_if_any()
    except UsageError as error:
        problems = [str(problem) for problem in error.problems] + [error.hint][: bool(error.hint)]
    return events, problems, reading


def test_an_event_has_its_defaults_and_keeps_unknown_fields() -> None:
    event = event_of({**ATTEMPT, "note": {"by": "lab"}, "actor": "Requesting Party"})
    assert event == Attempt(
        at=1620118800_000000,
        installation="I-0001",
        section="3.4.1",
        number=1,
        outcome="failed",
        actor="Requesting Party",
        extra={"note": {"by": "lab"}},
    )


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown event", {**LEAD, "event": "atempt"}, "got \"atempt\"; did you mean 'attempt'?"),
    ("no event", LEAD, "missing field 'event'"),
    ("event is no name", {**LEAD, "event": 7}, "event: expected one of opened, "),
    ("misspelt field", {**LEAD, "event": "account", "holdr": "DCC"}, "missing field 'holder'"),
    ("listed value", {**LEAD, "event": "account", "holder": "dcc"}, 'DCC, got "dcc"; did you mean'),
    ("value of another type", {**LEAD, "event": "account", "holder": ["DCC"]}, 'got ["DCC"]'),
    ("null", {**ATTEMPT, "code": None}, "code: expected a code as text, not empty, got null"),
    ("empty name", {**ATTEMPT, "installation": " "}, "installation: expected a name"),
    ("no installation", {"at": AT, "event": "account", "holder": "DCC"}, "'installation'"),
    ("bad time", {**ATTEMPT, "at": "2021-05-04 09:00"}, "at: expected a UTC time such as"),
    ("time with offset", {**ATTEMPT, "at": "2021-05-04T09:00:00+00:00"}, "at: expected a UTC"),
    ("no such day", {**ATTEMPT, "at": "2021-02-30T09:00:00Z"}, "at: expected a UTC"),
    ("second 60", {**ATTEMPT, "at": "2021-05-04T09:00:60Z"}, "at: expected a UTC"),
    ("seven digits", {**ATTEMPT, "at": "2021-05-04T09:00:00.1234567Z"}, "at: expected a UTC"),
    ("number 0", {**ATTEMPT, "number": 0}, "number: expected a whole number from 1, got 0"),
    ("number true", {**ATTEMPT, "number": True}, "a whole number from 1, got true"),
    ("number 1.5", {**ATTEMPT, "number": 1.5}, "a whole number from 1, got 1.5"),
    ("number as text", {**ATTEMPT, "number": "1"}, 'a whole number from 1, got "1"'),
    ("phase outside 3.1", {**ATTEMPT, "phase": "long"}, "phase: expected none in section 3.4.1"),
    ("no phase in 3.1", {**ATTEMPT, "section": "3.1"}, "missing field 'phase'"),
    ("no device in 3.3", {**ATTEMPT, "section": "3.3"}, "missing field 'device'"),
    ("started after at", {**ATTEMPT, "started": "2021-05-04T09:00:01Z"}, "started: expected a"),
    ("retryable as number", {**ATTEMPT, "retryable": 1}, "retryable: expected true or false"),
    (
        "from is to",
        {**LEAD, "event": "outage", "from": AT, "to": AT, "of": "log"},
        "from: expected a time before 'to'",
    ),
    ("opened without group", {**LEAD, "event": "opened"}, "missing field 'group'"),
    (
        "split without suppliers",
        {**LEAD, "event": "opened", "group": "EA", "supply": "split"},
        "missing field 'suppliers'",
    ),
    (
        "supplier twice",
        {**LEAD, "event": "opened", "group": "EA", "suppliers": ["A", "A"]},
        "suppliers: expected a list of suppliers' names, each once",
    ),
    (
        "negative uncertainty",
        {**LEAD, "event": "opened", "group": "EA", "uncertainty_s": -1},
        "uncertainty_s: expected a finite number of seconds, not negative, got -1",
    ),
    (
        "huge uncertainty",
        {**LEAD, "event": "opened", "group": "EA", "uncertainty_s": 10**400},
        "uncertainty_s: expected a finite number",
    ),
    ("unknown section", {**LEAD, "event": "step", "section": "2.9.1", "outcome": "passed"}, "2.3 "),
]


@pytest.mark.parametrize(
    ("line", "says"), [(line, says) for _, line, says in FAULTS], ids=[name for name, *_ in FAULTS]
)
def test_a_faulty_event_is_told_with_what_was_expected(line: dict[str, Any], says: str) -> None:
    with pytest.raises(FaultyLine) as caught:
        event_of(line)
    assert says in str(caught.value)


def test_every_fault_of_a_line_is_told() -> None:
    with pytest.raises(FaultyLine) as caught:
        event_of({**ATTEMPT, "at": "now", "number": 0, "outcome": "ok"})
    assert [fault.split(":")[1].strip() for fault in caught.value.faults] == [
        "at",
        "number",
        "outcome",
    ]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    event = event_of({**ATTEMPT, "number": 2.0})
    assert isinstance(event, Attempt)
    assert (event.number, type(event.number)) == (2, int)


NO_OBJECTS = [
    ("[]", "got []"),
    ("", "expected one JSON object"),
    ("{", "expected one JSON object"),
    ('{"at": 1} {"at": 2}', "expected one JSON object: Extra data at column 11"),
    ('{"at": NaN}', "NaN is no JSON number"),
    ('{"at": -Infinity}', "-Infinity is no JSON number"),
    ('{"at": 1, "at": 2}', 'field "at" stands twice'),
    ('{"at" : 1, "at": 2}', 'field "at" stands twice'),
    ('{"x": {"a": 1, "a": 2}}', 'field "a" stands twice'),
    ('{"installation": "\\ud800"}', "half of a surrogate pair"),
    ("[" * 100_000, "nested too deeply"),
    ('{"number": ' + "9" * 5000 + "}", "expected one JSON object"),
]


@pytest.mark.parametrize(("text", "says"), NO_OBJECTS, ids=[text[:20] for text, _ in NO_OBJECTS])
def test_what_is_no_object_is_told(text: str, says: str) -> None:
    with pytest.raises(FaultyLine) as caught:
        object_of(text)
    assert says in str(caught.value)


def test_bom_crlf_and_empty_lines_are_accepted_and_counted(tmp_path: Path) -> None:
    line = json.dumps(ATTEMPT)
    path = tmp_path / "trace.jsonl"
    events, problems, reading = read(b"\xef\xbb\xbf" + line.encode() + b"\r", "", " \r", path=path)
    assert (len(events), problems, reading.empty_lines, reading.lines) == (1, [], 2, 3)


def test_errors_name_file_and_line_and_stop_at_the_limit(tmp_path: Path) -> None:
    lines = ["", *["nonsense"] * (LISTED + 5)]
    _, problems, _ = read(*lines, path=tmp_path / "trace.jsonl")
    assert problems[0].startswith("trace.jsonl:2: expected one JSON object")
    assert problems[LISTED - 1].startswith(f"trace.jsonl:{LISTED + 1}: ")
    assert problems[LISTED:] == ["further errors are not listed"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf\r\n"])
def test_a_file_without_events_is_an_error(tmp_path: Path, content: bytes) -> None:
    _, problems, _ = read(content, path=tmp_path / "trace.jsonl")
    assert problems == ["trace.jsonl: expected at least one event, found none"]


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    _, problems, _ = read(b'{"at": "\xff"}', bytes(range(256)), path=tmp_path / "trace.jsonl")
    assert "trace.jsonl:1: expected UTF-8, byte 9 is none" in problems


@pytest.mark.parametrize("text", [b"{}\n", b"\n" * 99], ids=["an object", "empty lines"])
def test_a_packed_file_says_how_to_unpack_it(tmp_path: Path, text: bytes) -> None:
    _, problems, _ = read(gzip.compress(text, mtime=0), path=tmp_path / "trace.jsonl.gz")
    assert len(problems) == 1
    assert "trace.jsonl.gz: expected JSON lines, got a gzip file; unpack it: zcat < " in problems[0]
    _, problems, _ = read(b"{}", b"\x1f\x8b", path=tmp_path / "trace.jsonl")
    assert "trace.jsonl:2: expected UTF-8, byte 2 is none" in problems, "not at its beginning"


def test_a_line_too_long_to_be_one_ends_the_file_for_its_end_may_never_come(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trace.jsonl"
    long = b" " + b"x" * (2 * LONGEST_LINE)
    events, problems, reading = read(json.dumps(ATTEMPT), long, json.dumps(ATTEMPT), path=path)
    expected = f"expected a line shorter than {LONGEST_LINE} bytes"
    assert problems == [f"trace.jsonl:2: {expected}; nothing after it is read"]
    assert (len(events), reading.lines) == (1, 2)


def test_a_device_without_an_end_is_refused() -> None:
    places = Places()
    complaints = Complaints(places)
    assert not list(read_trace(["/dev/zero"], places, complaints, reading=Reading()))
    with pytest.raises(UsageError, match=r"^zero:1: expected a line shorter than"):
        complaints.raise_if_any()


def test_a_long_line_is_read(tmp_path: Path) -> None:
    line = json.dumps({**ATTEMPT, "note": "x" * 1_000_000})
    events, problems, _ = read(line, path=tmp_path / "trace.jsonl")
    assert (len(events), problems) == (1, [])


@pytest.mark.parametrize("kind", ["missing", "directory", "nul"])
def test_what_cannot_be_opened_is_a_usage_error(tmp_path: Path, kind: str) -> None:
    path = {"missing": str(tmp_path / "none"), "directory": str(tmp_path), "nul": "a\0b"}[kind]
    places = Places()
    complaints = Complaints(places)
    assert list(read_trace([path, path], places, complaints)) == []
    with pytest.raises(UsageError) as caught:
        complaints.raise_if_any()
    assert [str(problem).split(": ")[1] for problem in caught.value.problems] == [
        "expected a readable trace file"
    ] * 2


# Plain text, without what JSON escapes, names everything that a trace names.
_names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
_times = st.integers(0, 4_000_000_000_000_000)
_common = {
    "at": _times,
    "installation": _names,
    "actor": st.none() | _names,
    "extra": st.none() | st.just({"note": [1, {"a": None}]}),
}
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Opened,
        group=st.sampled_from(["IOC", "MDS", "DA", "EA"]),
        suppliers=st.lists(_names, unique=True, min_size=1).map(tuple),
        supply=st.sampled_from(["single", "split"]),
        uncertainty_s=st.floats(0, 1e6),
        **_common,
    ),
    st.builds(
        Step,
        section=st.sampled_from(["2.3.2", "2.4.1.1", "2.5.10", "commissioning"]),
        outcome=st.sampled_from(["passed", "failed"]),
        code=st.none() | _names,
        **_common,
    ),
    st.builds(Report, report=st.just("MRR6"), outcome=st.just("failure"), **_common),
    st.builds(
        Attempt,
        section=st.just("3.1"),
        phase=st.sampled_from(["short", "long"]),
        number=st.integers(1, 10**9),
        outcome=st.just("unknown"),
        retryable=st.booleans(),
        **_common,
    ),
    st.builds(
        lambda start, length, **rest: Outage(from_=start, to=start + length, **rest),
        start=_times,
        length=st.integers(1, 10**12),
        of=st.sampled_from(["bench", "clock", "log"]),
        **_common,
    ),
)


@given(_events)
def test_what_is_written_is_read_as_it_was(event: Event) -> None:
    assert event_of(object_of(to_json(event))) == event


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_fields = sorted(
    {f.rstrip("_") for kind in EVENT_TYPES.values() for f in kind.__dataclass_fields__}
)


@given(
    st.dictionaries(st.sampled_from(_fields), _json | st.just(AT) | st.just("3.1"), max_size=12),
    st.sampled_from(sorted(EVENT_TYPES)) | _json,
)
def test_any_object_is_an_event_or_a_faulty_line(line: dict[str, Any], kind: object) -> None:
    try:
        event = event_of({**line, "event": kind})
    except FaultyLine:
        return
    assert event_of(object_of(to_json(event))) == event


@given(st.binary(max_size=200))
def test_any_bytes_are_lines_or_faults(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    events, problems, _ = read(raw, path=tmp_path_factory.getbasetemp() / "noise.jsonl")
    assert events == []
    assert problems
