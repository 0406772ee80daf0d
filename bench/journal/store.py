"""The journal's file: SQLite, one table to which entries are only ever added.

`synchronous=FULL` for what must survive a power cut before the next thing happens, otherwise
`NORMAL`: committed, so that it survives the death of the process, or gathered where nothing outside
the process depends on it. Every entry is chained to the one before by a hash. A file that was cut
or damaged opens as an exact prefix of what was written, or is refused; and a prefix never lacks an
entry that was synced, for `journal.head` beside it says up to where it must go.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final, Self

from bench.errors import BenchError, UsageError
from bench.journal.entry import START, Entry, Kind, chained
from bench.journal.moment import Moment
from bench.journal.next_step import next_step, rights_to, shut

FILE: Final = "journal.db"
HEAD: Final = "journal.head"
FILES: Final = (FILE, f"{FILE}-wal", f"{FILE}-shm", HEAD)
_FORMAT: Final = 2
_APPLICATION: Final = 0x53314A31  # "S1J1"
_GATHERED: Final = 5_000
_COLUMNS: Final = "number, kind, target, operation, body, at, monotonic, boot, chain"
_INSERT: Final = f"INSERT INTO entry (seq, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"
_TABLE: Final = """CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
    operation TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, monotonic INTEGER NOT NULL,
    boot TEXT NOT NULL, chain BLOB NOT NULL) STRICT"""

_Row = tuple[object, ...]
_HEAD: Final = re.compile(rb"([0-9]{16}) ([0-9a-f]{64})\n")
_DAMAGED: Final = (
    "the run cannot be taken up again; its devices may hold a new key: docs/journal.md says what "
    "to do"
)


class Keep(Enum):
    """How an entry is kept."""

    SYNCED = "on the disk before the next thing is done"
    COMMITTED = "survives the death of the process"
    GATHERED = "written with what comes after it"


class JournalFailed(BenchError):
    """The run cannot go on for want of its journal."""


class JournalDamaged(JournalFailed):
    """The file is no journal, or what it holds was changed after it was written."""


class JournalFull(JournalFailed):
    """Nothing more can be written: a full disk, a file that vanished, rights that lack."""


class Journal:
    """Open for adding. `length` entries, the last of which ends the chain in `head`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._head_file = os.open(
            path.with_name(HEAD), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._gathered: list[_Row] = []
        self.length = 0
        self.head = START

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new one. Raises `JournalFull` where it cannot be written or is there already."""
        journal = None
        try:
            with path.open("xb"):
                pass
            path.chmod(0o600)
            journal = cls(path, _connect(path))
            journal._connection.execute(f"PRAGMA application_id={_APPLICATION}")
            journal._connection.execute(f"PRAGMA user_version={_FORMAT}")
            journal._connection.execute(_TABLE)
            journal._write_head()
            _sync_folder(path.parent)
        except (OSError, sqlite3.Error) as error:
            if journal is not None:
                journal.abandon()
            raise _unwritable(path, error) from error
        return journal

    @classmethod
    def open(cls, path: Path) -> tuple[Self, tuple[Entry, ...]]:
        """One that is there, with what it holds.

        Raises `JournalDamaged`: not a journal, or not what was written. `JournalFull`: its folder
        or a file of it may not be written. `UsageError`: it is not there.
        """
        if not path.is_file():
            raise UsageError(f"{path}: there is no journal", hint="name the folder of a run")
        closed = shut(path.parent, FILES)
        if closed:
            raise JournalFull(f"{closed[0]}: may not be written", hint=rights_to(closed))
        journal = None
        try:
            journal = cls(path, _connect(path))
            return journal, tuple(journal._read())
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise JournalDamaged(f"{path}: not a sound journal: {error}", hint=_DAMAGED) from error
        except OSError as error:
            raise BenchError(f"{path}: cannot be opened: {error.strerror}") from error
        finally:
            if journal is not None and sys.exc_info()[0] is not None:
                journal.abandon()

    def add(self, entry: Entry, keep: Keep) -> None:
        """Raises `JournalFull`; then nothing of the entry was kept, nor of those gathered."""
        head = chained(self.head, entry)
        when = entry.moment
        row = (
            *(self.length + 1, entry.number, entry.kind.value, entry.target, entry.operation),
            *(entry.body, when.at, when.monotonic, when.boot, head),
        )
        try:
            self._insert(row, keep)
        except sqlite3.Error as error:
            self.abandon()  # what was gathered is lost, and nothing may follow it
            raise _unwritable(self._path, error) from error
        self.head = head
        self.length += 1
        if keep is Keep.SYNCED:
            try:
                self._write_head()
            except OSError as error:
                raise _unwritable(self._path, error) from error

    def _write_head(self) -> None:
        """In place: shorter than a sector, it is there as before or as it is now."""
        os.pwrite(self._head_file, f"{self.length:016d} {self.head.hex()}\n".encode(), 0)
        os.fdatasync(self._head_file)

    def _insert(self, row: _Row, keep: Keep) -> None:
        self._gathered.append(row)
        if keep is Keep.SYNCED:
            self._connection.execute("PRAGMA synchronous=FULL")
        if keep is not Keep.GATHERED or len(self._gathered) >= _GATHERED:
            self._commit()
        if keep is Keep.SYNCED:
            self._connection.execute("PRAGMA synchronous=NORMAL")

    def _commit(self) -> None:
        """What was gathered, in one transaction."""
        rows, self._gathered = self._gathered, []
        if len(rows) == 1:
            self._connection.execute(_INSERT, rows[0])
            return
        self._connection.execute("BEGIN")
        self._connection.executemany(_INSERT, rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Writes what was gathered. Safe to repeat."""
        try:
            if self._gathered:
                self._commit()
        except sqlite3.Error as error:
            raise _unwritable(self._path, error) from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Closes without complaint: what could not be written is lost. Safe to repeat."""
        self._connection.close()
        if self._head_file >= 0:
            os.close(self._head_file)
            self._head_file = -1

    def _read(self) -> Iterator[Entry]:
        run = self._connection.execute
        synced, head_then = self._read_head()
        if run("PRAGMA application_id").fetchone() != (_APPLICATION,):
            raise JournalDamaged(f"{self._path}: not a journal of smets1-bench")
        if run("PRAGMA user_version").fetchone() != (_FORMAT,):
            raise JournalDamaged(f"{self._path}: a journal of another format")
        if run("SELECT name, sql FROM sqlite_schema").fetchall() != [("entry", _TABLE)]:
            raise JournalDamaged(f"{self._path}: not the table of a journal", hint=_DAMAGED)
        if run("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise JournalDamaged(f"{self._path}: the file is damaged", hint=_DAMAGED)
        rows = run(f"SELECT seq, {_COLUMNS} FROM entry ORDER BY seq")
        for seq, number, kind, target, operation, body, at, monotonic, boot, chain in rows:
            place = f"{self._path}: entry {self.length + 1}"
            if kind not in Kind.__members__.values():
                raise JournalDamaged(f"{place}: of no known kind", hint=_DAMAGED)
            entry = Entry(Kind(kind), number, target, operation, body, Moment(at, monotonic, boot))
            head = chained(self.head, entry)
            if seq != self.length + 1 or chain != head:
                raise JournalDamaged(f"{place}: does not follow from the one before", hint=_DAMAGED)
            self.head = head
            self.length += 1
            if self.length == synced and head != head_then:
                raise JournalDamaged(f"{place}: not the one that was written", hint=_DAMAGED)
            yield entry
        if self.length < synced:
            raise JournalDamaged(
                f"{self._path}: cut: {self.length} entries of at least {synced}", hint=_DAMAGED
            )

    def _read_head(self) -> tuple[int, bytes]:
        """How many entries there must be, and the hash of the last of them."""
        said = _HEAD.fullmatch(os.pread(self._head_file, 200, 0))
        if said is None:
            raise JournalDamaged(f"{self._path.with_name(HEAD)}: damaged", hint=_DAMAGED)
        return int(said[1]), bytes.fromhex(said[2].decode())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: Exception) -> JournalFull:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return JournalFull(
        f"{path}: the journal cannot be written: {why}",
        hint=f"{next_step(path.parent, FILES)}; then go on with: smets1-bench resume {path.parent}",
    )
