"""Old and new key are both kept until one is proven; nothing is destroyed before its time."""

from __future__ import annotations

import pytest

from bench.devices import KeySlot
from bench.key_ring import MemoryKeyRing
from bench.secret import Secret

SUA = KeySlot.SUA
OLD, NEW, NEWER = (Secret(bytes([n] * 16), name) for n, name in enumerate(("old", "new", "newer")))

Held = tuple[Secret | None, Secret | None, Secret | None]


@pytest.fixture
def ring() -> MemoryKeyRing:
    return MemoryKeyRing({("electricity", SUA): OLD})


def held(ring: MemoryKeyRing) -> Held:
    """Current, staged, previous."""
    return (
        ring.current("electricity", SUA),
        ring.staged("electricity", SUA),
        ring.previous("electricity", SUA),
    )


ACTS = {
    "stage new": lambda ring: ring.stage("electricity", SUA, NEW),
    "stage newer": lambda ring: ring.stage("electricity", SUA, NEWER),
    "stage old": lambda ring: ring.stage("electricity", SUA, OLD),
    "proven": lambda ring: ring.prove_staged("electricity", SUA),
    "drop": lambda ring: ring.drop_staged("electricity", SUA),
    "retire": lambda ring: ring.retire_previous("electricity", SUA),
    "stage old back": lambda ring: ring.stage_back("electricity", SUA, OLD),
    "old is back": lambda ring: ring.prove_back("electricity", SUA, OLD),
}

STORIES: list[tuple[str, Held]] = [
    ("", (OLD, None, None)),
    ("stage new", (OLD, NEW, None)),
    ("stage new, stage newer", (OLD, NEWER, None)),
    ("stage new, drop", (OLD, None, None)),
    ("stage new, proven", (NEW, None, OLD)),
    ("stage new, proven, retire", (NEW, None, None)),
    ("stage new, proven, stage old", (NEW, OLD, OLD)),
    ("stage new, proven, stage old, drop", (NEW, None, OLD)),
    ("stage new, proven, stage old, proven", (OLD, None, NEW)),
    ("stage new, proven, stage old, proven, retire", (OLD, None, None)),
    ("retire", (OLD, None, None)),
    ("stage old back", (OLD, None, None)),
    ("old is back", (OLD, None, None)),
    ("stage new, stage old back", (OLD, NEW, None)),
    ("stage new, old is back", (OLD, None, NEW)),
    ("stage new, proven, stage old back", (NEW, OLD, OLD)),
    ("stage new, proven, retire, stage old back", (NEW, OLD, None)),
    ("stage new, proven, retire, stage old back, old is back", (OLD, None, NEW)),
    ("stage new, proven, stage old, stage old back, old is back", (OLD, None, NEW)),
    ("stage new, proven, retire, stage newer, stage old back", (NEW, NEWER, None)),
    ("stage new, proven, retire, stage newer, old is back", (OLD, None, NEWER)),
    ("stage new, old is back, old is back", (OLD, None, NEW)),
]


@pytest.mark.parametrize(("story", "expected"), STORIES)
def test_what_is_held_after(ring: MemoryKeyRing, story: str, expected: Held) -> None:
    for act in filter(None, story.split(", ")):
        ACTS[act](ring)
    assert held(ring) == expected


def test_nothing_is_proven_that_was_not_staged(ring: MemoryKeyRing) -> None:
    with pytest.raises(ValueError, match="electricity: no SUA key is staged"):
        ring.prove_staged("electricity", SUA)
    assert held(ring) == (OLD, None, None)


def test_a_device_without_a_key(ring: MemoryKeyRing) -> None:
    assert ring.current("gas", SUA) is None
    ring.stage("gas", SUA, NEW)
    assert (ring.current("gas", SUA), ring.staged("gas", SUA)) == (None, NEW)
    assert held(ring) == (OLD, None, None)


def test_every_command_has_a_counter_of_its_own(ring: MemoryKeyRing) -> None:
    assert [ring.next_counter("electricity") for _ in range(3)] == [1, 2, 3]
    assert ring.next_counter("gas") == 1


def test_counters_go_on_above_what_the_device_has_seen() -> None:
    """A run that begins at one would have every key command of its own refused by real kit."""
    ring = MemoryKeyRing({})
    ring.saw_counter("electricity", 41)
    assert ring.next_counter("electricity") == 42
    ring.saw_counter("electricity", 7)
    assert ring.next_counter("electricity") == 43
    assert ring.next_counter("gas") == 1
