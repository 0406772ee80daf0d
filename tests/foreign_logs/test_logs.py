"""Foreign logs through a map: the events they state, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.cli.check import check
from bench.errors import UsageError
from bench.foreign_logs.log_map import LogMap, read_map
from bench.foreign_logs.mapped_log import MappedLog
from bench.shipped import fixtures
from bench.trace import Attempt, Event, Opened, Step
from bench.trace_reading import FaultyLine, Places, UnreadableTrace
from bench.units import parse_instant

ROOT = Path(__file__).resolve().parents[2]
MAPS = fixtures() / "maps"
HEADER = "TIME;SITE;ACTION;DETAIL;TRY;RESULT;CODE;LEVEL"
COMMAND = re.compile(r"```console\n\$ (smets1-bench .*)\n([^`]*)```")


def head_end() -> LogMap:
    return read_map(MAPS / "head-end-csv.yaml")


def gateway() -> LogMap:
    return read_map(MAPS / "gateway-json.yaml")


def read(path: Path, text: str | bytes, log_map: LogMap) -> list[tuple[int, Event | FaultyLine]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(where, said) for where, _, _, said in MappedLog(str(path), Places(), log_map)]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    ("command", "output"), COMMAND.findall((ROOT / "docs" / "foreign-logs.md").read_text("utf-8"))
)
def test_the_commands_of_the_page(
    command: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    result = run(*shlex.split(command)[1:])
    assert result.exit_code in (1, 2)
    if output:
        assert result.output == output
    else:
        assert json.loads(result.stdout)["verdict"] == "fail"


def test_events_of_csv(tmp_path: Path) -> None:
    text = f"""\ufeff{HEADER}\r
04/05/2021 10:00:00;S-1;JOB START;A | B;;;;INFO\r
\r
04/05/2021 10:01:00;S-1;RADIO;"two\r
lines";;;;DEBUG\r
04/05/2021 10:02:00; S-1 ;COMMAND;"join; now";2;E7;X9;INFO\r
"""
    opened, tried = read(tmp_path / "log.csv", text, head_end())
    assert opened == (
        2,
        Opened(
            at=parse_instant("2021-05-04T09:00:00Z"),
            installation="S-1",
            group="EA",
            suppliers=("A", "B"),
        ),
    )
    assert tried == (
        6,
        Attempt(
            at=parse_instant("2021-05-04T09:02:00Z"),
            installation="S-1",
            group="EA",
            section="3.4.1",
            operation="join; now",
            number=2,
            outcome="failed",
            code="X9",
        ),
    )


GATEWAY = '{"ts": 1620118800.5, "premises": "P", "kind": "check", "clause": "2.4.4", "ok": %s}'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (GATEWAY % "true" + "\n" + GATEWAY % "true", [1, 2]),
        ("[" + GATEWAY % "true" + ",\n\n" + GATEWAY % "true" + "]\n", [1, 3]),
        ((GATEWAY % "true").replace(",", ",\n") + "\n" + GATEWAY % "true", [1, 6]),
        ("\ufeff" + GATEWAY % "true", [1]),
    ],
)
def test_events_of_json(text: str, lines: list[int], tmp_path: Path) -> None:
    found = read(tmp_path / "log.json", text, gateway())
    assert [line for line, _ in found] == lines
    step = Step(
        at=parse_instant("2021-05-04T09:00:00.5Z"),
        installation="P",
        group="DA",
        section="2.4.4",
        outcome="passed",
    )
    assert {repr(event) for _, event in found} == {repr(step)}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("31/02/2021 10:00:00;S;JOB END;;;OK;;", "at: expected a time as"),
        (";S;JOB END;;;OK;;", "missing field 'at' (column 'TIME')"),
        ("04/05/2021 10:00:00;;JOB END;;;OK;;", "missing field 'installation' (column 'SITE')"),
        ("04/05/2021 10:00:00;S;JOB END;;;;;", "missing field 'outcome' (column 'RESULT')"),
        ("04/05/2021 10:00:00;S;JOB END;;;ok;;", "did you mean 'OK'?"),
        ("04/05/2021 10:00:00;S;COMMAND;;1.5;OK;;", "number: expected a whole number from 1"),
        ("04/05/2021 10:00:00;S;COMMAND;;0;OK;;", "got 0 (column 'TRY')"),
        ("04/05/2021 10:00:00;S;FILE OUT;XYZ;;;;", "file: expected one of MCF"),
        ("04/05/2021 10:00:00;S;JOB START;A|A;;;;", "each once"),
        ("04/05/2021 10:00:00;S;WHAT;;;;;", 'got ACTION = "WHAT"'),
        ("04/05/2021 10:00:00;S", "expected 8 cells as in the header, got 2"),
        ('04/05/2021 10:00:00;"S"x;JOB END;;;OK;;', "expected a row of CSV"),
        (b"04/05/2021 10:00:00;S\xe9;JOB END;;;OK;;", "column 'SITE': expected utf-8 text"),
    ],
)
def test_a_faulty_row(row: str | bytes, says: str, tmp_path: Path) -> None:
    raw = row if isinstance(row, bytes) else row.encode()
    ((line, fault),) = read(tmp_path / "log.csv", f"{HEADER}\n\n".encode() + raw, head_end())
    assert line == 3
    assert isinstance(fault, FaultyLine)
    assert says in str(fault)


def test_all_that_is_wrong_with_a_row(tmp_path: Path) -> None:
    row = "noon;S;COMMAND;;x;OK;;"
    ((_, fault),) = read(tmp_path / "log.csv", f"{HEADER}\n{row}", head_end())
    assert isinstance(fault, FaultyLine)
    assert len(fault.faults) == 2
    assert (fault.installation, fault.kind) == ("S", "attempt")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("{\n", 1, "expected a JSON object"),
        ("[1]", 1, "expected a JSON object, got 1"),
        (f"{GATEWAY % 'true'}\n{{'x'\n", 2, "expected a JSON object"),
        (GATEWAY % '"maybe"', 1, 'expected one of true, false, got "maybe" in ok'),
        (GATEWAY.replace("1620118800.5", '"now"') % "true", 1, "expected a number of seconds"),
        ("[" * 100_000, 1, "nested too deeply"),
        ('{"a":' * 100_000, 1, "nested too deeply"),
        ('{"a": ' + "9" * 5_000 + "}", 1, "a number has too many digits"),
        (GATEWAY % "true" + ",", 1, "expected a JSON object"),
        ("[" + GATEWAY % "true" + ",\n", 2, "expected ] at the end of the list: the log is cut"),
        ("[" + GATEWAY % "true", 1, "expected ] at the end of the list: the log is cut off"),
        (f"[{GATEWAY % 'true'}\n{GATEWAY % 'true'}]", 2, "expected , or ] after an item"),
        (f"[{GATEWAY % 'true'}]\n]", 2, "expected nothing after the ] that ends the list"),
        ('{"kind": "a",\n "kind": "b"}', 1, "field 'kind' stands twice"),
        ('{"a.b": 1, "a": {"b": 2}}', 1, "field 'a.b' stands twice"),
        ('{"premises": "\\ud800", "kind": "check"}', 1, "expected utf-8 text"),
    ],
)
def test_faulty_json(text: str, line: int, says: str, tmp_path: Path) -> None:
    found = read(tmp_path / "log.json", text, gateway())
    faults = [(number, fault) for number, fault in found if isinstance(fault, FaultyLine)]
    assert (len(faults) > 0) == (line > 0)
    if faults:
        assert faults[0][0] == line
        assert says in str(faults[0][1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a header"),
        (HEADER.replace("SITE", "SITES") + "\nx;x;x;x;x;x;x;x", "no 'SITE'; did you mean 'SITES'?"),
        (HEADER.replace("SITE", "TIME") + "\n", "'TIME' stands twice"),
    ],
)
def test_a_log_of_another_form(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace) as caught:
        read(tmp_path / "log.csv", text, head_end())
    assert says in str(caught.value)


@pytest.mark.parametrize(("name", "log_map"), [("log.csv", head_end()), ("log.json", gateway())])
def test_a_packed_log_is_said_to_be_one(name: str, log_map: LogMap, tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="got a gzip file; unpack it: gunzip -k"):
        read(tmp_path / name, gzip.compress(b"text"), log_map)


def test_standard_input_is_no_log() -> None:
    with pytest.raises(UsageError, match="expected files with --map"):
        CliRunner().invoke(check, ["--map", "m.yaml", "-"], catch_exceptions=False)


def test_logs_out_of_order_can_be_sorted(tmp_path: Path) -> None:
    rows = (MAPS / "head-end.csv").read_text("utf-8").splitlines()
    path = tmp_path / "log.csv"
    path.write_text("\n".join([rows[0], *reversed(rows[1:])]), "utf-8")
    words = ["check", "--json", "--map", str(MAPS / "head-end-csv.yaml")]
    assert "expected a time not before" in run(*words, str(path)).output
    ever = json.loads(run(*words, str(MAPS / "head-end.csv")).stdout)
    by_time = json.loads(run(*words, "--sort", str(path)).stdout)
    assert by_time["rules"] == ever["rules"]
    assert by_time["findings"][0]["where"] == ["log.csv:4", "log.csv:3"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--workers", "2"], "expected no --workers and no --memory with --map"),
        (["--map", "no.yaml"], "no.yaml: no such file"),
    ],
)
def test_usage(words: list[str], says: str) -> None:
    given = ["check", "--map", str(MAPS / "head-end-csv.yaml"), *words, str(MAPS / "head-end.csv")]
    result = run(*given)
    assert result.exit_code == 2
    assert says in result.output


def test_no_such_log() -> None:
    result = run("check", "--map", str(MAPS / "head-end-csv.yaml"), "no.csv")
    assert result.exit_code == 2
    assert "no.csv: expected a readable trace file" in result.output
