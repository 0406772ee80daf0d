"""A trace as Parquet says what its lines say, and is complained about as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from mixing import mixed
from mutating import constructed

from bench.cli.check import check
from bench.errors import BenchError
from bench.large_checks.parquet import ParquetTrace, rows_of, write_parquet
from bench.trace import Event, Operator, to_json
from bench.trace_reading import Complaints, FaultyLine, Places, UnreadableTrace, read_rows, whole
from bench.units import parse_instant

START = parse_instant("2021-05-04T09:00:00Z")
UTC_MICROS = pa.timestamp("us", tz="UTC")


def read(path: Path) -> list[Event | FaultyLine]:
    return [
        said if isinstance(said, FaultyLine) else whole(at, installation, said)
        for _, at, installation, said in ParquetTrace(str(path), Places())
    ]


def table(path: Path, rows: Sequence[tuple[Any, ...]]) -> Path:
    columns = list(zip(*rows, strict=True))
    types = (UTC_MICROS, pa.string(), pa.string(), pa.string())
    arrays = [pa.array(c, t) for c, t in zip(columns, types, strict=True)]
    pq.write_table(pa.table(arrays, names=["at", "installation", "event", "fields"]), path)
    return path


def test_what_was_written_is_read_back_in_its_order(tmp_path: Path) -> None:
    events = mixed(2)
    path = tmp_path / "trace.parquet"
    assert write_parquet(iter(events), path) == len(events) == rows_of(str(path))
    assert read(path) == events
    assert [where for where, *_ in ParquetTrace(str(path), Places())][:2] == [1, 2]
    again = tmp_path / "again.parquet"
    write_parquet(events, again)
    assert again.read_bytes() == path.read_bytes()
    assert list(tmp_path.glob("*.unfinished")) == []


def test_unknown_fields_and_any_text_are_kept(tmp_path: Path) -> None:
    said = Operator(
        at=START,
        installation='a "name" \\ of ½ 𝟙',
        asked='is "started": "2021-05-04T09:00:00Z" right?',
        answer="",
        by="M\u2028",
        extra={"started": "2021-05-04T08:00:00Z", "nested": {"at": 1, "installation": [None]}},
    )
    path = tmp_path / "trace.parquet"
    write_parquet([said] * 3, path)
    assert read(path) == [said] * 3


FAULTS = [
    ((None, "I", "closed", '{"outcome": "failed"}'), "missing field 'at'"),
    ((START, None, "closed", '{"outcome": "failed"}'), "missing field 'installation'"),
    ((START, " ", "closed", '{"outcome": "failed"}'), "expected a name that is not empty"),
    ((START, "I", None, '{"outcome": "failed"}'), "missing field 'event'"),
    ((START, "I", "close", '{"outcome": "failed"}'), "did you mean 'closed'"),
    ((START, "I", "closed", None), "missing field 'outcome'"),
    ((START, "I", "closed", "[]"), "expected one JSON object"),
    ((START, "I", "closed", '{"outcome": "failed", "at": 1}'), "which has a column of its own"),
    ((START, "I", "closed", '{"outcome": "fail"}'), "outcome: expected one of"),
    (((1 << 61), "I", "closed", '{"outcome": "failed"}'), "at: expected a UTC time"),
    (
        (
            START,
            "I",
            "attempt",
            '{"section": "3.2", "number": 1, "outcome": "failed",'
            ' "started": "2021-05-04T09:00:01Z"}',
        ),
        "started: expected a time not after 'at'",
    ),
]


@pytest.mark.parametrize("known", [False, True], ids=["first of its form", "of a known form"])
@pytest.mark.parametrize(("row", "says"), FAULTS, ids=[says for _, says in FAULTS])
def test_a_faulty_row(row: tuple[Any, ...], says: str, known: bool, tmp_path: Path) -> None:
    """The same is said of a row whose like was good before."""
    good: list[tuple[Any, ...]] = [
        (START, "I", "closed", '{"outcome": "failed"}'),
        (
            START,
            "I",
            "attempt",
            '{"section": "3.2", "number": 1, "outcome": "failed",'
            ' "started": "2021-05-04T08:00:01Z"}',
        ),
    ]
    events = read(table(tmp_path / "t.parquet", [*good * known, row]))
    fault = events[-1]
    assert isinstance(fault, FaultyLine)
    assert says in str(fault)
    assert not any(isinstance(event, FaultyLine) for event in events[:-1])


def test_another_schema_names_every_column_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"at": [1], "installation": ["I"], "event": [2]}), path)
    with pytest.raises(UnreadableTrace) as caught:
        rows_of(str(path))
    text = str(caught.value)
    assert "at is int64, not timestamp[us, tz=UTC]" in text
    assert "event is int64, not string" in text
    assert "fields (string) is missing" in text


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    at, text = pa.array([START], UTC_MICROS), pa.array(["I"])
    names = ["at", "at", "installation", "event", "fields"]
    pq.write_table(pa.table([at, at, text, text, text], names=names), path)
    with pytest.raises(UnreadableTrace, match="at stands there 2 times"):
        rows_of(str(path))
    result = CliRunner().invoke(check, [str(path)])
    assert "expected the columns of a trace" in repr(result.exception)


def test_what_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("{}\n")
    result = CliRunner().invoke(check, [str(path)])
    assert "expected a Parquet file" in repr(result.exception)


def test_a_dictionary_column_and_one_more_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_parquet(constructed()["DA-commissioned"], path)
    plain = pq.read_table(path)
    coded = plain.set_column(1, "installation", plain["installation"].dictionary_encode())
    pq.write_table(coded.append_column("mine", pa.array([1] * len(coded))), path)
    assert read(path) == constructed()["DA-commissioned"]


def test_findings_name_rows(tmp_path: Path) -> None:
    events = mixed(1)
    rows, lines = tmp_path / "t.parquet", tmp_path / "t.jsonl"
    write_parquet(events, rows)
    lines.write_text("".join(f"{to_json(event)}\n" for event in events), "utf-8")
    by_row = CliRunner().invoke(check, ["--json", str(rows)])
    by_line = CliRunner().invoke(check, ["--json", str(lines)])
    assert by_row.stdout.replace("t.parquet:", "t.jsonl:") == by_line.stdout
    assert "t.parquet:" in by_row.stdout


def test_events_may_be_more_than_one_batch(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("bench.large_checks.parquet.ROWS_AT_ONCE", 100)
    events = mixed(1)[:1001]
    path = tmp_path / "t.parquet"
    write_parquet(events, path)
    assert read(path) == events


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be written"):
        write_parquet(constructed()["DA-commissioned"], tmp_path / "no" / "t.parquet")


def test_a_missing_file_is_a_complaint(tmp_path: Path) -> None:
    places = Places()
    complaints = Complaints(places)
    missing = str(tmp_path / "no.parquet")
    opened = ParquetTrace(missing, places)
    assert list(read_rows([missing], places, complaints, opening=lambda *_: opened)) == []
    assert complaints
