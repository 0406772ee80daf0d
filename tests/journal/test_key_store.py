"""No key is lost, whatever happens; none is kept that was retired."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.devices import KeySlot
from bench.errors import BenchError
from bench.journal.key_store import FILE, KeyStore, KeyStoreRefused, RetiredKey
from bench.journal.store import JournalFull
from bench.journal.stored_key_ring import StoredKeyRing
from bench.key_ring import MemoryKeyRing
from bench.secret import Secret

SUA = KeySlot.SUA
OLD, NEW = Secret(b"o" * 16, "old"), Secret(b"n" * 16, "electricity/SUA")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


def raised(error: JournalFull) -> None:
    raise error


def live_ring(path: Path) -> StoredKeyRing:
    ring = StoredKeyRing({("electricity", SUA): OLD}, KeyStore(path), "da")
    ring.go_live(raised)
    return ring


def on_disk(path: Path) -> dict[str, bytes]:
    ring = KeyStore.open(path).ring("da")
    return {state: key.reveal() for state, key in ring["electricity/SUA"].items()}


STORY = [
    ("stage", {"current": OLD, "staged": NEW}),
    ("prove_staged", {"current": NEW, "previous": OLD}),
    ("retire_previous", {"current": NEW}),
    ("stage", {"current": NEW, "staged": NEW}),
    ("drop_staged", {"current": NEW}),
    ("stage_back", {"current": NEW, "staged": OLD}),
    ("prove_back", {"current": OLD, "previous": NEW}),
    ("disprove", {"previous": NEW}),
]
TAKES = {"stage": (NEW,), "stage_back": (OLD,), "prove_back": (OLD,)}


def test_each_change_is_on_the_disk_before_it_returns(path: Path) -> None:
    ring = live_ring(path)
    assert on_disk(path) == {"current": OLD.reveal()}
    for act, held in STORY:
        getattr(ring, act)("electricity", SUA, *TAKES.get(act, ()))
        assert on_disk(path) == {state: key.reveal() for state, key in held.items()}, act
        assert path.stat().st_mode & 0o777 == 0o600


def test_every_way_to_change_a_ring_was_tried() -> None:
    """A new operation that changes a key must be on the disk too."""
    reads = {"current", "staged", "previous", "held", "next_counter", "saw_counter"}
    public = {name for name in vars(MemoryKeyRing) if not name.startswith("_")}
    assert public - reads == {act for act, _ in STORY}


def test_a_key_that_no_meter_holds_is_not_kept(path: Path) -> None:
    ring = StoredKeyRing({("electricity", SUA): OLD}, KeyStore(path), "da", others=[OLD])
    ring.go_live(raised)
    assert on_disk(path) == {}
    ring.stage("electricity", SUA, NEW)
    assert on_disk(path) == {"staged": NEW.reveal()}


def test_a_ring_that_follows_a_recording_leaves_the_file_alone(path: Path) -> None:
    live_ring(path).stage("electricity", SUA, NEW)
    before = path.read_bytes()
    again = StoredKeyRing({("electricity", SUA): OLD}, KeyStore.open(path), "da")
    again.stage("electricity", SUA, KeyStore.open(path).find(NEW.check_value, NEW.label))
    assert path.read_bytes() == before
    again.go_live(raised)
    assert path.read_bytes() == before


def test_a_new_key_is_kept_before_it_has_a_place(path: Path) -> None:
    KeyStore(path).add(NEW)
    found = KeyStore.open(path).find(NEW.check_value, NEW.label)
    assert found.reveal() == NEW.reveal()


def test_a_retired_key_is_known_by_its_check_value_alone(path: Path) -> None:
    ring = live_ring(path)
    ring.stage("electricity", SUA, NEW)
    ring.drop_staged("electricity", SUA)
    found = KeyStore.open(path).find(NEW.check_value, NEW.label)
    assert isinstance(found, RetiredKey)
    assert (found.check_value, found.label) == (NEW.check_value, NEW.label)
    assert repr(found) == f"<Secret electricity/SUA kcv={NEW.check_value} retired>"
    with pytest.raises(BenchError, match="was retired and destroyed"):
        found.reveal()
    assert NEW.reveal().hex() not in path.read_text()


def test_a_key_that_was_never_here_is_not_taken_for_a_retired_one(path: Path) -> None:
    live_ring(path)
    older = path.read_bytes()
    ring = StoredKeyRing({("electricity", SUA): OLD}, KeyStore.open(path), "da")
    ring.go_live(raised)
    ring.stage("electricity", SUA, NEW)
    path.write_bytes(older)
    said = f"got an older file, without {NEW.check_value} .electricity/SUA."
    with pytest.raises(KeyStoreRefused, match=said):
        KeyStore.open(path).find(NEW.check_value, NEW.label)


def test_a_key_that_comes_back_is_not_retired(path: Path) -> None:
    ring = live_ring(path)
    ring.stage("electricity", SUA, NEW)
    ring.drop_staged("electricity", SUA)
    ring.stage("electricity", SUA, NEW)
    found = KeyStore.open(path).find(NEW.check_value, NEW.label)
    assert found.reveal() == NEW.reveal()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused(path: Path, mode: int) -> None:
    live_ring(path)
    path.chmod(mode)
    with pytest.raises(KeyStoreRefused, match="others than its owner") as caught:
        KeyStore.open(path)
    assert caught.value.hint.startswith("chmod 600")


KEYS = '{"format": 1, "rings": {}, "unplaced": [%s]}'


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"format": 2}', '{"format": 1, "rings": 5}', "[" * 100_000),
        KEYS % '{"label": "a", "key": "00"}',
        KEYS % '{"label": "a", "key": "0011223344556677"}',
        KEYS % '{"label": "a", "retired": 5}',
        KEYS % '{"label": "a", "retired": "\\u001b[2J"}',
        KEYS % '{"label": null, "retired": "A1B2C3"}',
    ],
    ids=len,
)
def test_what_is_no_key_store_is_refused_and_not_quoted(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyStoreRefused, match="not a key store of this version"):
        KeyStore.open(path)


def test_a_write_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = live_ring(path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalFull, match="the keys cannot be kept: No space left"):
        ring.stage("electricity", SUA, NEW)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [FILE]
