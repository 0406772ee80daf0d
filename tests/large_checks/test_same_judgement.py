"""A trace divided into shares gets the judgement of the streaming form, to the last word."""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mixing import mixed
from mutating import TOLERANCE, constructed

from bench.cli.check import check, judge_files
from bench.errors import BenchError, UsageError
from bench.large_checks import pieces, whole
from bench.large_checks.means import Means
from bench.large_checks.parquet import write_parquet
from bench.large_checks.whole import judge_large
from bench.mehrs.loader import load_strategy
from bench.trace import Event, to_json
from bench.trace_reading import Reading

STRATEGY = load_strategy()
MEMORY = 256 * 1024**2


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return mixed(3)


def lines(path: Path, events: Sequence[Event]) -> str:
    path.write_text("".join(f"{to_json(event)}\n" for event in events), "utf-8")
    return str(path)


def rows(path: Path, events: Sequence[Event]) -> str:
    write_parquet(events, path)
    return str(path)


def both(files: list[str], *, sort: bool = False, workers: int = 1) -> None:
    """Judged in both forms, and found the same."""
    streamed = judge_files(files, STRATEGY, TOLERANCE, sort=sort)
    divided = judge_large(files, STRATEGY, TOLERANCE, Means(workers, MEMORY), sort=sort)
    assert divided is not None
    assert divided.as_json() == streamed.as_json()
    assert divided == streamed
    assert len({finding.rule for finding in streamed.findings}) > 20


def thirds(events: list[Event]) -> tuple[list[Event], list[Event], list[Event]]:
    third = len(events) // 3
    return events[:third], events[third : 2 * third], events[2 * third :]


def test_lines_in_pieces(events: list[Event], tmp_path: Path, monkeypatch: Any) -> None:
    """Pieces far smaller than a file, cut in the middle of lines."""
    first, second, third = thirds(events)
    files = [
        lines(tmp_path / "a.jsonl", first),
        rows(tmp_path / "b.parquet", second),
        lines(tmp_path / "c.jsonl", third),
    ]
    monkeypatch.setattr(pieces, "OCTETS", 100_003)
    monkeypatch.setattr(pieces, "AT_ONCE", 10_007)
    both(files)


NAMES = ("", " ½", ' "x" \\')


def _spelled(event: Event, number: int) -> str:
    """The event's line as one of many writers might spell it."""
    line = json.loads(to_json(event))
    if number % 7 == 0:
        line = dict(reversed(line.items()))
    if number % 7 == 1:
        line["note"] = {"at": "½", "installation": [None, "a\\b"]}
    separators = ((", ", ": "), (",", ":"), (" ,", " : "))[number % 3]
    text = json.dumps(line, separators=separators, ensure_ascii=number % 2 == 0)
    return (f"{text}\n", f"  {text} \r\n", f"\n\t{text}\v\n")[number // 7 % 3]


def test_lines_spelled_in_many_ways(tmp_path: Path, monkeypatch: Any) -> None:
    events = [
        replace(event, installation=f"{copy}{NAMES[copy % 3]}")
        for copy in range(40)
        for event in _one()
    ]
    path = tmp_path / "a.jsonl"
    text = "".join(_spelled(event, number) for number, event in enumerate(events))
    path.write_text("\ufeff" + text.rstrip("\n"), "utf-8")
    monkeypatch.setattr(pieces, "OCTETS", 5_003)
    monkeypatch.setattr(pieces, "AT_ONCE", 1_009)
    streamed = judge_files([str(path)], STRATEGY, TOLERANCE)
    assert judge_large([str(path)], STRATEGY, TOLERANCE, Means(1, MEMORY)) == streamed
    assert (streamed.events, streamed.installations) == (len(events), 40)


def test_sorted(events: list[Event], tmp_path: Path) -> None:
    # Events of one moment keep their order, whatever else is shuffled.
    moments = sorted({event.at for event in events})
    random.Random(5).shuffle(moments)
    rank = {at: number for number, at in enumerate(moments)}
    shuffled = sorted(events, key=lambda event: rank[event.at])
    first, second, third = thirds(shuffled)
    files = [
        rows(tmp_path / "a.parquet", first),
        lines(tmp_path / "b.jsonl", second),
        rows(tmp_path / "c.parquet", third),
    ]
    both(files, sort=True)


def test_in_several_processes(events: list[Event], tmp_path: Path) -> None:
    first, second, third = thirds(events)
    files = [
        lines(tmp_path / "it's a trace.jsonl", first),
        rows(tmp_path / "b[1]*.parquet", second),
        lines(tmp_path / "c.jsonl", third),
    ]
    both(files, workers=2)


def test_in_many_shares(events: list[Event], tmp_path: Path, monkeypatch: Any) -> None:
    here = whole.workers_for
    monkeypatch.setattr(whole, "workers_for", lambda count, told: here(1, told))
    both([rows(tmp_path / "a.parquet", events)], workers=7)


def test_too_little_memory(events: list[Event], tmp_path: Path) -> None:
    files = [lines(tmp_path / "a.jsonl", events)]
    with pytest.raises(BenchError, match=r"^1 MiB are too little .* \(--workers 1\)") as caught:
        judge_large(files, STRATEGY, TOLERANCE, Means(1, 1024**2))
    assert "--memory" in caught.value.hint


def answer(*words: str) -> Result:
    return CliRunner().invoke(check, words)


FAULTY = [
    ("a line that is none", "x\n"),
    ("no installation", '{"at": "2021-05-04T09:00:00Z", "event": "closed"}\n'),
    ("never opened", '{"at": "2021-05-04T09:00:00Z", "installation": "I", "event": "step"}\n'),
    ("a bad time", '{"at": "yesterday", "installation": "I", "event": "opened", "group": "DA"}\n'),
    ("a bad section", "".join(
        f'{{"at": "2021-05-04T09:00:0{n}Z", "installation": "I", {rest}}}\n'
        for n, rest in enumerate(('"event": "opened", "group": "DA"', '"event": "step"'))
    )),
    ("nothing", "\n\n"),
    ("no file", None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text"), FAULTY, ids=[what for what, _ in FAULTY])
@pytest.mark.parametrize("sort", [[], ["--sort"]], ids=["", "sorted"])
def test_what_is_wrong_is_said_as_ever(
    what: str, text: str | None, sort: list[str], tmp_path: Path
) -> None:
    good = lines(tmp_path / "good.jsonl", _one())
    bad = tmp_path / "bad.jsonl"
    if text is not None:
        bad.write_text(text, "utf-8")
    ever = answer(good, str(bad), *sort)
    divided = answer(good, str(bad), *sort, "--workers", "1")
    assert ever.exit_code == divided.exit_code != 0
    assert repr(ever.exception) == repr(divided.exception)
    assert ever.output == divided.output


def _one() -> list[Event]:
    return constructed()["DA-commissioned"]


def test_empty_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\ufeff" + "\r\n\r\n".join(to_json(event) for event in _one()), "utf-8")
    counted, streamed = Reading(), Reading()
    judge_large([str(path)], STRATEGY, TOLERANCE, Means(1, MEMORY), reading=counted)
    judge_files([str(path)], STRATEGY, TOLERANCE, reading=streamed)
    assert counted == streamed
    assert counted.empty_lines == len(_one()) - 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, UsageError], ids=["Ctrl-C", "any error"])
def test_nothing_is_left_behind(
    error: type[BaseException], events: list[Event], tmp_path: Path, monkeypatch: Any
) -> None:
    """Neither processes nor files, when the check ends in the middle."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    others = multiprocessing.active_children()
    file = lines(tmp_path / "a.jsonl", events[:1000])

    def told(what: str, done: int, of: int) -> None:
        assert list(folder.iterdir())
        raise error("now")

    with pytest.raises(error):
        judge_large([file], STRATEGY, TOLERANCE, Means(2, MEMORY), told=told)
    assert multiprocessing.active_children() == others
    assert list(folder.iterdir()) == []


def test_progress_adds_up(events: list[Event], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    file = lines(tmp_path / "a.jsonl", events)
    judge_large([file], STRATEGY, TOLERANCE, Means(1, MEMORY), told=lambda *one: told.append(one))
    octets = Path(file).stat().st_size
    assert ("octets read", octets, octets) in told
    assert told[-1] == ("events judged", len(events), len(events))


def test_without_the_extra_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError, match="duckdb is needed") as caught:
        judge_large([], STRATEGY, TOLERANCE, Means(1, MEMORY))
    assert "smets1-bench[scale]" in caught.value.hint
