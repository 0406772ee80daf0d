"""`campaign.json`: what a campaign found; the same bytes, however the campaign was run."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.campaign.account import LONGEST, PARKED
from bench.campaign.tally import STEP, Tally
from bench.campaign.working import Campaign, Order
from bench.mehrs.versions import DEFAULT_MAM, DEFAULT_MEHRS
from bench.units import DAY, format_duration, format_instant

RECORD: Final = "campaign.json"

_SPANS: Final = (LONGEST, PARKED)
"""Kinds of worst case whose size is a span of time."""


@dataclass(frozen=True, slots=True)
class Days:
    """From the first opening to the last close. `crowded`: days with more openings than capacity.

    `by_day`: day since 1970, first openings and resubmissions on it.
    """

    needed: int
    crowded: int
    by_day: tuple[tuple[int, int, int], ...]


def days_of(campaign: Campaign) -> Days:
    tally = campaign.tally
    opened = tally.opened, tally.reopened
    if not tally.opened:
        return Days(0, 0, ())
    first, last = min(tally.opened), max(tally.closed)
    openings = [(day, opened[0][day], opened[1][day]) for day in range(first, last + 1)]
    capacity = campaign.order.mix.mix.daily_capacity
    crowded = sum(new + again > capacity for _, new, again in openings)
    return Days(last - first + 1, crowded, tuple(openings))


def day_text(day: int) -> str:
    return format_instant(day * DAY)[:10]


def quantile(counts: Mapping[int, int], per_cent: int) -> int:
    """The least value that so many per cent of all do not exceed; 0 of none."""
    wanted = sum(counts.values()) * per_cent
    so_far = 0
    for value, count in sorted(counts.items()):
        so_far += count
        if so_far * 100 >= wanted:
            return value
    return 0


def mean(total: int, count: int) -> float:
    """To a thousandth; 0 of none."""
    return round(total / count, 3) if count else 0.0


def replay(order: Order, number: int) -> str:
    """The command that runs this one alone, in full detail."""
    words = ["smets1-bench", "campaign", "--mix", order.named, "--seed", str(order.seed)]
    strategy = order.strategy
    for option, version, usual in (
        ("--mehrs", strategy.mehrs.version, DEFAULT_MEHRS),
        ("--mam", strategy.mam.version, DEFAULT_MAM),
    ):
        if version != usual:
            words += [option, version]
    if order.overlay:
        words += ["--overlay", order.overlay]
    return shlex.join([*words, "--only", str(number)])


def size_text(kind: str, size: int) -> str:
    return format_duration(size) if kind in _SPANS else str(size)


def as_json(campaign: Campaign) -> dict[str, Any]:
    order, tally = campaign.order, campaign.tally
    done = tally.totals["installations"]
    days = days_of(campaign)
    return {
        "format": 1,
        "emulated": True,
        **order.head(),
        "complete": campaign.complete,
        "totals": dict(sorted(tally.totals.items())),
        "means": {
            name: mean(tally.totals[name], done)
            for name in ("events", "passages", "attempts", "wake-ups")
        },
        "outcomes": _nested(tally.outcomes),
        "conditions": _nested(tally.conditions),
        "failures": _nested(tally.failures),
        "reports": dict(sorted(tally.reports.items())),
        "rules": _in_order(_nested(tally.rules), order.strategy.rules),
        "attempts": _nested(tally.attempts),
        "passages": _histogram(tally.passages),
        "wake-ups": _histogram(tally.wake_ups),
        "duration": {
            "step": format_duration(STEP),
            "median": format_duration(quantile(tally.spans, 50) * STEP),
            "95 %": format_duration(quantile(tally.spans, 95) * STEP),
            "99 %": format_duration(quantile(tally.spans, 99) * STEP),
            "longest": format_duration(max(tally.spans, default=0) * STEP),
            "steps": _histogram(tally.spans),
        },
        "days": {
            "needed": days.needed,
            "daily capacity": order.mix.mix.daily_capacity,
            "days over capacity": days.crowded,
            "openings": {day_text(day): [new, again] for day, new, again in days.by_day},
        },
        "worst": {
            kind: [
                {
                    "installation": name,
                    "size": size_text(kind, size),
                    "replay": replay(order, number),
                }
                for size, number, name in extremes
            ]
            for kind, extremes in sorted(tally.worst.items())
        },
    }


def record_json(campaign: Campaign) -> str:
    return json.dumps(as_json(campaign), indent=1, ensure_ascii=False) + "\n"


def _nested(counts: Counter[tuple[str, Any]]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (outer, inner), count in sorted(counts.items()):
        nested.setdefault(outer, {})[str(inner)] = count
    return nested


def _histogram(counts: Counter[int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(counts.items())}


def _in_order(
    counts: Mapping[str, dict[str, int]], order: Iterable[str]
) -> dict[str, dict[str, int]]:
    return {name: counts[name] for name in order if name in counts}


def verdict_counts(tally: Tally, verdict: str) -> int:
    """How many judgements of installations had this verdict."""
    return sum(count for (_, found), count in tally.rules.items() if found == verdict)
