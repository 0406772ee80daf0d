"""Two sessions side by side: what one says that the other does not, and when.

Messages are aligned by direction and content with Myers' shortest edit script; where one was
replaced by another, the two are shown together. Happenings are not compared. Timing is compared
between aligned messages: the time since the message before, by two thresholds of which the larger
counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.units import MILLISECOND, SECOND, Micros
from drivers.capture.messages import Item, Message
from drivers.capture.records import Direction
from drivers.capture.tape import fit

_EDITS_AT_MOST: Final = 1_000
_NOT_A_MESSAGE: Final = -1


class Difference(StrEnum):
    ONLY_A = "only-a"
    ONLY_B = "only-b"
    CHANGED = "changed"
    TIMING = "timing"


@dataclass(frozen=True, slots=True)
class Found:
    """`a` and `b`: the messages, None where one is missing. `waited`: for timing, in both."""

    difference: Difference
    a: Message | None
    b: Message | None
    waited: tuple[Micros, Micros] = (0, 0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Two waits differ if they are further apart than `slack` and than `share` of the longer."""

    slack: Micros = 50 * MILLISECOND
    share: float = 0.5

    def tell_apart(self, a: Micros, b: Micros) -> bool:
        return abs(a - b) > max(self.slack, self.share * max(a, b))


def differences(
    a: Sequence[Item],
    b: Sequence[Item],
    *,
    thresholds: Thresholds | None = Thresholds(),
    values: bool = True,
    answers_only: bool = False,
) -> list[Found]:
    """In the order of the sessions. `thresholds` None: timing is not compared; `answers_only`: that
    of what the bench said is not.

    `values` False: only which message follows which counts, not what is in it (a clock differs in
    every session). Ports are paired by name, or taken for the same where each side has one.
    """
    by_port_a, by_port_b = _by_port(a), _by_port(b)
    if len(by_port_a) == len(by_port_b) == 1:
        pairs = [(next(iter(by_port_a.values())), next(iter(by_port_b.values())))]
    else:
        names = dict.fromkeys([*by_port_a, *by_port_b])
        pairs = [(by_port_a.get(name, []), by_port_b.get(name, [])) for name in names]
    return [
        found
        for messages_a, messages_b in pairs
        for found in _compared(messages_a, messages_b, thresholds, values)
        if not (answers_only and _is_pace(found))
    ]


def difference_lines(found: Sequence[Found]) -> Iterator[str]:
    """`-` only in A, `+` only in B, `~` at another time."""
    for each in found:
        if each.difference is Difference.TIMING:
            assert each.a is not None
            assert each.b is not None
            after_a, after_b = (wait / SECOND for wait in each.waited)
            yield f"~ {_said(each.a)}"
            yield f"    after {after_a:.6f} s in A, {after_b:.6f} s in B"
            continue
        if each.a is not None:
            yield f"- {_said(each.a)}"
        if each.b is not None:
            yield f"+ {_said(each.b)}"


def difference_json(found: Sequence[Found]) -> list[dict[str, object]]:
    return [
        {
            "difference": str(each.difference),
            "a": None if each.a is None else _said(each.a),
            "b": None if each.b is None else _said(each.b),
            "waited": list(each.waited) if each.difference is Difference.TIMING else None,
        }
        for each in found
    ]


def _is_pace(found: Found) -> bool:
    """True if only the bench took longer or shorter to speak."""
    timing = found.difference is Difference.TIMING
    return timing and found.a is not None and found.a.direction is Direction.OUT


def _said(message: Message) -> str:
    arrow = "->" if message.direction is Direction.OUT else "<-"
    decoded = message.decoded
    trouble = f"!! {decoded.trouble}: " if decoded.trouble else ""
    return f"{fit(message.port)} {arrow} {decoded.form} {trouble}{decoded.meaning}"


def _by_port(items: Sequence[Item]) -> dict[str, list[Message]]:
    by_port: dict[str, list[Message]] = {}
    for item in items:
        messages = by_port.setdefault(item.port, [])
        if isinstance(item, Message):
            messages.append(item)
    return by_port


def _compared(
    a: Sequence[Message], b: Sequence[Message], thresholds: Thresholds | None, values: bool
) -> Iterator[Found]:
    pairs = _aligned([_key(each, values) for each in a], [_key(each, values) for each in b])
    only_a: list[Message] = []
    only_b: list[Message] = []
    for at_a, at_b in pairs:
        if at_a is not None and at_b is not None:
            yield from _unmatched(only_a, only_b)
            only_a, only_b = [], []
            if thresholds is not None and at_a and at_b:
                waited = (a[at_a].at - a[at_a - 1].until, b[at_b].at - b[at_b - 1].until)
                if thresholds.tell_apart(*waited):
                    yield Found(Difference.TIMING, a[at_a], b[at_b], waited)
        elif at_a is not None:
            only_a.append(a[at_a])
        elif at_b is not None:
            only_b.append(b[at_b])
    yield from _unmatched(only_a, only_b)


def _unmatched(only_a: list[Message], only_b: list[Message]) -> Iterator[Found]:
    """Pairs what stands in the same place and goes the same way; the rest stands alone."""
    rest_b = list(only_b)
    for each in only_a:
        if rest_b and rest_b[0].direction is each.direction:
            yield Found(Difference.CHANGED, each, rest_b.pop(0))
        else:
            yield Found(Difference.ONLY_A, each, None)
    for each in rest_b:
        yield Found(Difference.ONLY_B, None, each)


def _key(message: Message, values: bool) -> Hashable:
    if values:
        return message.direction, message.tape.segments
    return message.direction, message.decoded.form, message.decoded.kind, message.decoded.trouble


def _aligned(
    a: Sequence[Hashable], b: Sequence[Hashable]
) -> Iterator[tuple[int | None, int | None]]:
    """Places of `a` and `b` in turn, together where the keys are equal."""
    same = 0
    while same < len(a) and same < len(b) and a[same] == b[same]:
        same += 1
    tail = 0
    while tail < min(len(a), len(b)) - same and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    yield from ((place, place) for place in range(same))
    middle_a, middle_b = a[same : len(a) - tail], b[same : len(b) - tail]
    for at_a, at_b in _edit_script(middle_a, middle_b):
        yield None if at_a is None else at_a + same, None if at_b is None else at_b + same
    for place in range(tail, 0, -1):
        yield len(a) - place, len(b) - place


def _edit_script(
    a: Sequence[Hashable], b: Sequence[Hashable]
) -> list[tuple[int | None, int | None]]:
    """Myers' greedy algorithm. Sessions that have next to nothing in common are not aligned."""
    trace: list[dict[int, int]] = []
    furthest = {1: 0}
    for edits in range(min(len(a) + len(b), _EDITS_AT_MOST) + 1):
        trace.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits
                and furthest.get(diagonal - 1, _NOT_A_MESSAGE)
                < furthest.get(diagonal + 1, _NOT_A_MESSAGE)
            )
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            y = x - diagonal
            while x < len(a) and 0 <= y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(a) and y >= len(b):
                return _walked_back(trace, len(a), len(b))
    return [(place, None) for place in range(len(a))] + [(None, place) for place in range(len(b))]


def _walked_back(
    trace: Sequence[dict[int, int]], x: int, y: int
) -> list[tuple[int | None, int | None]]:
    script: list[tuple[int | None, int | None]] = []
    for edits in range(len(trace) - 1, -1, -1):
        furthest = trace[edits]
        diagonal = x - y
        down = diagonal == -edits or (
            diagonal != edits
            and furthest.get(diagonal - 1, _NOT_A_MESSAGE)
            < furthest.get(diagonal + 1, _NOT_A_MESSAGE)
        )
        before = diagonal + 1 if down else diagonal - 1
        from_x = furthest[before] if edits else 0
        from_y = from_x - before if edits else 0
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            script.append((x, y))
        if edits:
            script.append((None, from_y) if down else (from_x, None))
            x, y = from_x, from_y
    script.reverse()
    return script
