"""The journal's file: what is added is read back, and nothing else is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from bench.errors import Busy, ExitCode, UsageError
from bench.journal.entry import Entry, Kind
from bench.journal.lock import locked
from bench.journal.moment import Moment, boot_id, moment
from bench.journal.store import FILE, HEAD, Journal, JournalDamaged, JournalFull, Keep
from tests.journal.damage import ENTRIES, SYNCED, damage, write


def entry(number: int, body: str = "[]") -> Entry:
    return Entry(Kind.INTENT, number, "electricity", "rotate_key", body, Moment(5, 6, "boot"))


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_added_is_read_back(tmp_path: Path, killed: bool) -> None:
    written = write(tmp_path / FILE, killed=killed)
    journal, entries = Journal.open(tmp_path / FILE)
    assert entries == written
    assert journal.length == ENTRIES
    journal.add(entry(1), Keep.SYNCED)
    journal.close()
    assert Journal.open(tmp_path / FILE)[1] == (*written, entry(1))


def test_what_was_gathered_is_kept_by_the_next_thing_that_is(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / FILE)
    journal.add(entry(1), Keep.GATHERED)
    journal.add(entry(2), Keep.COMMITTED)
    journal.add(entry(3), Keep.GATHERED)
    journal.abandon()  # as a kill leaves it
    assert Journal.open(tmp_path / FILE)[1] == (entry(1), entry(2))


def test_a_journal_is_only_its_owners(tmp_path: Path) -> None:
    write(tmp_path / FILE, killed=False)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_second_one_is_not_begun_over_the_first(tmp_path: Path) -> None:
    Journal.create(tmp_path / FILE).close()
    with pytest.raises(JournalFull, match="cannot be written: File exists"):
        Journal.create(tmp_path / FILE)


def test_cuts_and_flips_open_as_an_exact_prefix_or_are_refused() -> None:
    counts = damage(200, seed=7)
    assert not [line for line in counts if line.endswith("WRONG")]
    # Each outcome there can be was met: the harness can tell them apart.
    assert {line.rsplit(" ", 1)[1] for line in counts} == {"prefix", "whole", "refused"}


def test_a_cut_before_what_was_synced_is_refused(tmp_path: Path) -> None:
    write(tmp_path / FILE, killed=False)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DELETE FROM entry WHERE seq >= ?", (SYNCED,))
    connection.close()
    with pytest.raises(JournalDamaged, match=f"cut: {SYNCED - 1} entries of at least {SYNCED}"):
        Journal.open(tmp_path / FILE)


CHANGES = {
    "another argument": ("UPDATE entry SET body='[]' WHERE seq=30", "entry 30: does not follow"),
    "another time": ("UPDATE entry SET at=at+1 WHERE seq=30", "entry 30: does not follow"),
    "another order": ("UPDATE entry SET seq=-30 WHERE seq=30", "entry 1: does not follow"),
    "one left out": ("DELETE FROM entry WHERE seq=30", "entry 30: does not follow"),
    "of no kind": ("UPDATE entry SET kind='done' WHERE seq=30", "entry 30: of no known kind"),
    "another format": ("PRAGMA user_version=1", "a journal of another format"),
    "another program's": ("PRAGMA application_id=2", "not a journal of smets1-bench"),
    "another table": ("ALTER TABLE entry RENAME TO entries", "not the table of a journal"),
    "a table more": ("CREATE VIEW more AS SELECT 1", "not the table of a journal"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_what_was_changed_is_refused(tmp_path: Path, change: str, said: str) -> None:
    write(tmp_path / FILE, killed=False)
    connection = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    connection.execute(change)
    connection.close()
    with pytest.raises(JournalDamaged, match=said) as caught:
        Journal.open(tmp_path / FILE)
    assert caught.value.exit_code is ExitCode.BENCH


def test_a_table_that_is_worked_out_is_never_asked(tmp_path: Path) -> None:
    """A view without end, under the table's name."""
    write(tmp_path / FILE, killed=False)
    connection = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    connection.execute("DROP TABLE entry")
    connection.execute(
        "CREATE VIEW entry AS WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n) "
        "SELECT seq, 0 number, '' kind, '' target, '' operation, '' body, 0 at, 0 monotonic, "
        "'' boot, x'' chain FROM n"
    )
    connection.close()
    with pytest.raises(JournalDamaged, match="not the table of a journal"):
        Journal.open(tmp_path / FILE)


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough for a header" * 9])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / FILE, killed=False)
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(JournalDamaged):
        Journal.open(tmp_path / FILE)


@pytest.mark.parametrize("content", [b"", b"x", b"0" * 16 + b" " + b"0" * 64])
def test_a_damaged_head_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / FILE, killed=False)
    (tmp_path / HEAD).write_bytes(content)
    with pytest.raises(JournalDamaged, match=f"{HEAD}: damaged"):
        Journal.open(tmp_path / FILE)


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no journal"):
        Journal.open(tmp_path / FILE)


@pytest.mark.parametrize("shut", ["", FILE, HEAD])
def test_a_folder_that_may_not_be_written_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: str
) -> None:
    """Root may write everywhere, so the system's answer is given for it."""
    write(tmp_path / FILE, killed=False)
    path = tmp_path / shut

    def access(asked: Path, mode: int) -> bool:
        return mode != os.W_OK or asked != path

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(JournalFull, match="may not be written") as caught:
        Journal.open(tmp_path / FILE)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.hint == f"a run writes there: chmod u+rwX {path}"
    assert caught.value.exit_code is ExitCode.BENCH


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(Busy, match=r"another process is on this run: \d+"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass  # let go


def test_a_moment_is_on_every_clock() -> None:
    first, second = moment(7), moment(7)
    assert first.at == 7
    assert first.monotonic <= second.monotonic
    assert first.boot == second.boot == boot_id() != ""
