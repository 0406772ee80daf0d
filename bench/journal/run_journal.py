"""The journal of a whole run in its folder: locked, made or taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.clock import Cancellation, Clock, PacedClock
from bench.errors import BenchError, UsageError
from bench.journal import key_store, store
from bench.journal.entry import KEYS, Entry, Kind
from bench.journal.gap import Gap
from bench.journal.key_store import KeyStore
from bench.journal.lock import locked
from bench.journal.moment import moment
from bench.journal.next_step import next_step, rights_to
from bench.journal.recorder import Recorder
from bench.journal.recording import Recording, body_of, recordings
from bench.journal.run_head import Ordered, RunHead, refuse_if_moved
from bench.journal.store import Journal, JournalDamaged, JournalFull, Keep
from bench.journal.values import written
from bench.plain_file import refuse_others
from bench.units import Micros, format_instant


class RunJournal:
    """What a run keeps beside its results. `recorder` makes the one of each scenario.

    `began`: when its first process did.
    """

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        entries: tuple[Entry, ...],
        keys: KeyStore,
        began: Micros,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._recordings = recordings(entries)
        self.keys = keys
        self.began = began
        self.resumed = bool(entries)

    def recording(self, scenario: str) -> Recording:
        """What is kept of the scenario; empty where it has not begun."""
        return self._recordings.setdefault(scenario, Recording(scenario))

    def has_begun(self, scenario: str) -> bool:
        """In an earlier process: what it left is not to be written off."""
        recording = self._recordings.get(scenario)
        return recording is not None and recording.last is not None

    def recorder(
        self,
        scenario: str,
        *,
        clock: Clock,
        world: PacedClock | None,
        outside: frozenset[str],
        cancellation: Cancellation,
        run: Cancellation,
        on_gap: Callable[[Gap], None],
        on_live: Callable[[], None],
    ) -> Recorder:
        """`world` None: everything of the scenario is within this process, on a virtual clock."""
        return Recorder(
            self._journal,
            self.recording(scenario),
            clock=clock,
            world=world,
            outside=outside,
            keys=self.keys if outside else None,
            cancellation=cancellation,
            run=run,
            on_gap=on_gap,
            on_live=on_live,
        )

    def finish(self, verdict: str, at: Micros) -> None:
        """The run has ended; from here on it cannot be resumed."""
        entry = Entry(Kind.FINISHED, 0, "", "", written(verdict), moment(at))
        self._journal.add(entry, Keep.SYNCED)


@contextmanager
def journalled(folder: Path, head: RunHead, at: Micros) -> Iterator[RunJournal]:
    """The journal of a new run. What a former run left of its own is thrown away.

    Raises `Busy`, `BenchError` (it cannot be written, or keys of real devices are in the way).
    """
    with locked(folder):
        _clear(folder)
        journal = _begun(folder, Entry(Kind.RUN, 0, "", "", written(head), moment(at)))
        with _closing(journal):
            yield RunJournal(folder, journal, (), KeyStore(folder / key_store.FILE), at)


def _begun(folder: Path, first: Entry) -> Journal:
    """A journal with its first entry, or none at all."""
    journal = None
    try:
        journal = Journal.create(folder / store.FILE)
        journal.add(first, Keep.SYNCED)
    except JournalFull as error:
        if journal is not None:
            journal.abandon()
        _clear(folder)
        raise JournalFull(
            str(error),
            hint=f"nothing was begun: {next_step(folder, store.FILES)}, and run it again",
        ) from error
    return journal


def _clear(folder: Path) -> None:
    keys = folder / key_store.FILE
    if keys.exists():
        raise BenchError(
            f"{keys}: keys of devices are kept here, which a new run would lose",
            hint=f"run into another folder; smets1-bench keys {folder} hands them out",
        )
    for name in store.FILES:
        (folder / name).unlink(missing_ok=True)


@contextmanager
def taken_up(folder: Path) -> Iterator[tuple[Ordered, Callable[[RunHead], RunJournal]]]:
    """The journal of a run that was stopped: how it was ordered, and the journal itself once it is
    told what the run would be now, which raises `UsageError` where anything has moved, and
    `KeyStoreRefused` where a key that the run made is not kept any more.

    Raises `Busy`, `UsageError` (no run, or it has finished), `JournalDamaged`, `BenchError` (it may
    not be written, or something else is in a file's place).
    """
    _require_run(folder)
    with locked(folder):
        refuse_others(folder, store.FILES)
        journal, entries = Journal.open(folder / store.FILE)
        with _closing(journal):
            then = _head(folder, entries)

            def go_on(now: RunHead) -> RunJournal:
                refuse_if_moved(then, now)
                keys = _keys(folder, entries)
                return RunJournal(folder, journal, entries, keys, entries[0].moment.at)

            yield then.ordered, go_on


def _keys(folder: Path, entries: tuple[Entry, ...]) -> KeyStore:
    """The keys of the run. Raises `KeyStoreRefused` where one lacks that the run made."""
    path = folder / key_store.FILE
    keys = KeyStore.open(path) if path.exists() else KeyStore(path)
    made = [each for each in entries if each.kind is Kind.READING and each.target == KEYS]
    keys.require((body_of(each, str), each.operation) for each in made)
    return keys


def _require_run(folder: Path) -> None:
    try:
        is_folder, is_run = folder.is_dir(), (folder / store.FILE).is_file()
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be read: {error.strerror}", hint=rights_to([folder])
        ) from None
    if not is_folder:
        what = "expected a folder, got a file" if folder.exists() else "there is no such folder"
        raise UsageError(f"{folder}: {what}", hint="name the folder of a run")
    if not is_run:
        raise UsageError(
            f"{folder}: expected the folder of a run, there is no journal",
            hint="name the folder that `smets1-bench run --out DIR` wrote",
        )


def _head(folder: Path, entries: tuple[Entry, ...]) -> RunHead:
    if not entries or entries[0].kind is not Kind.RUN:
        raise JournalDamaged(f"{folder}: the journal does not say what the run is")
    if entries[-1].kind is Kind.FINISHED:
        verdict = body_of(entries[-1], str)
        at = format_instant(entries[-1].moment.at)
        raise UsageError(
            f"{folder}: the run has finished: {verdict}, {at}",
            hint=f"its report: smets1-bench report {folder}",
        )
    return body_of(entries[0], RunHead)


@contextmanager
def _closing(journal: Journal) -> Iterator[None]:
    """What was gathered is written unless that fails, which then is not the news."""
    try:
        yield
    except BaseException:
        journal.abandon()
        raise
    journal.close()
