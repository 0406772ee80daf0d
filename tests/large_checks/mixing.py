"""One trace of very many installations: every hand-written and constructed one, and mutants."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from mutating import TOLERANCE, constructed, from_fixtures, mutate

from bench.conformance.checker import Checker
from bench.mehrs.loader import load_strategy
from bench.trace import Event, to_json
from bench.trace_reading import FaultyLine, event_of, object_of


def mixed(mutants: int, seed: int = 1) -> list[Event]:
    """The events interleaved by a seed; every installation is a trace without faults."""
    strands = [list(strand) for strand in _strands(mutants)]
    chance = random.Random(seed)
    turns = [number for number, strand in enumerate(strands) for _ in strand]
    chance.shuffle(turns)
    rest = [iter(strand) for strand in strands]
    return [next(rest[turn]) for turn in turns]


def _strands(mutants: int) -> Iterator[list[Event]]:
    for name, events in {**constructed(), **from_fixtures()}.items():
        for number in range(mutants):
            strand = mutate(f"{name}#{number}", events) if number else events
            if _admitted(strand):
                yield [replace(event, installation=f"{name}#{number}") for event in strand]


def _admitted(events: list[Event]) -> bool:
    """Whether these are events that lines can state, in an order that a trace can have."""
    checker = Checker(load_strategy(), TOLERANCE)
    try:
        for line, event in enumerate(events, 1):
            checker.feed(event_of(object_of(to_json(event))), line)
    except FaultyLine:
        return False
    return bool(events)
