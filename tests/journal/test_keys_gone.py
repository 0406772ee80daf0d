"""A run whose key store is gone, or is an older one, is not taken up; nothing is done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.clock import Cancellation, PacedClock, VirtualClock
from bench.devices import KeySlot
from bench.journal import lock
from bench.journal.key_store import FILE, KeyStore, KeyStoreRefused
from bench.journal.run_head import Ordered, RunHead
from bench.journal.run_journal import RunJournal, journalled, taken_up
from bench.journal.stored_key_ring import StoredKeyRing
from bench.secret import Secret

OLD, NEW = Secret(b"o" * 16, "old"), Secret(b"n" * 16, "electricity/SUA")
HEAD = RunHead(Ordered("", "", "", "", 1, (), None, None, None, 0), "", "", {}, {}, {}, "", "")
NAME = "rotation"
REFUSED = (
    "{path}: expected the keys that the run made, got {got}, without "
    f"{NEW.check_value} (electricity/SUA)"
)


def contents(folder: Path) -> dict[str, bytes]:
    """What the folder's files hold, but for which process was the last on the run."""
    files = [path for path in folder.iterdir() if path.name != lock.FILE]
    return {path.name: path.read_bytes() for path in files}


def play(run: RunJournal, then: Callable[[StoredKeyRing], None]) -> None:
    """A new key is made for a real meter and staged."""
    clock = VirtualClock(0)
    ring = StoredKeyRing({("electricity", KeySlot.SUA): OLD}, run.keys, NAME)
    recorder = run.recorder(
        NAME,
        clock=clock,
        world=PacedClock(0, clock, Cancellation()),
        outside=frozenset({"electricity"}),
        cancellation=Cancellation(),
        run=Cancellation(),
        on_gap=lambda gap: None,
        on_live=lambda: ring.go_live(recorder.stop),
    )
    recorder.begin(0, {})
    ring.stage("electricity", KeySlot.SUA, recorder.new_key(NEW.label, lambda: NEW))
    then(ring)


def drop(ring: StoredKeyRing) -> None:
    ring.drop_staged("electricity", KeySlot.SUA)


@pytest.fixture(params=[lambda ring: None, drop], ids=["staged", "retired"])
def stopped(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run that stopped after it made a key, which was retired or may be on its way."""
    with journalled(tmp_path, HEAD, 0) as run:
        play(run, request.param)
    return tmp_path


@pytest.mark.parametrize("older", [False, True], ids=["gone", "older"])
def test_it_is_refused_and_the_folder_stays_as_it_was(stopped: Path, older: bool) -> None:
    path = stopped / FILE
    aside = path.rename(stopped / "aside")
    if older:
        KeyStore(path).keep(NAME, {"electricity/SUA": {"current": OLD}})
    before = contents(stopped)
    with pytest.raises(KeyStoreRefused) as caught, taken_up(stopped) as (_, go_on):
        go_on(HEAD)
    got = "an older file" if older else "no such file"
    assert str(caught.value) == REFUSED.format(path=path, got=got)
    assert caught.value.hint.startswith("put the file back")
    assert contents(stopped) == before
    aside.replace(path)
    with taken_up(stopped) as (_, go_on):
        assert go_on(HEAD).keys.find(NEW.check_value, NEW.label).check_value == NEW.check_value


def test_of_a_run_that_made_no_key_none_is_asked_for(tmp_path: Path) -> None:
    with journalled(tmp_path, HEAD, 0):
        pass
    with taken_up(tmp_path) as (_, go_on):
        go_on(HEAD)
    assert not (tmp_path / FILE).exists()
