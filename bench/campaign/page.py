"""`campaign.html`: one file that needs nothing else; its policy allows its own style alone."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.campaign.plots import Bar, days, histogram
from bench.campaign.record import Days, day_text, days_of, mean, quantile, replay, size_text
from bench.campaign.tally import STEP, Tally
from bench.campaign.text import percent
from bench.campaign.working import Campaign
from bench.printable import printable
from bench.report import TEMPLATES as REPORT_TEMPLATES
from bench.tool_identity import tool_version
from bench.units import format_duration

PAGE: Final = "campaign.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_VERDICTS: Final = ("passed", "failed", "inconclusive")


@dataclass(frozen=True, slots=True)
class Table:
    """`texts`: its cells are texts, the last a command, rather than figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    about: str = ""
    texts: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    about: str
    svg: Markup


def campaign_page(campaign: Campaign) -> str:
    name = campaign.order.mix.mix.mix
    return page(
        f"Campaign {name}", _facts(campaign), list(_tables(campaign)), list(_plots(campaign))
    )


def page(
    title: str,
    facts: Sequence[tuple[str, str]],
    tables: Sequence[Table],
    plots: Sequence[Plot] = (),
) -> str:
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("campaign.html.j2")
        .render(
            title=title,
            facts=facts,
            tables=tables,
            plots=plots,
            tool=tool_version(),
            style=Markup(style),
            style_hash=f"sha256-{digest}",
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _style() -> str:
    return (REPORT_TEMPLATES / "style.css").read_text("utf-8") + (
        _TEMPLATES / "campaign.css"
    ).read_text("utf-8")


def _facts(campaign: Campaign) -> list[tuple[str, str]]:
    order, tally = campaign.order, campaign.tally
    totals, done = tally.totals, tally.totals["installations"]
    strategy = order.strategy
    days = days_of(campaign)
    overlay = [] if strategy.overlay is None else [("overlay", printable(strategy.overlay.name))]
    stopped = "" if campaign.complete else f", stopped before all {order.installations:,} were done"
    long, trouble = totals["in-long-retries"], totals["trouble-in-key-rotation"]
    return [
        ("installations", f"{done:,}{stopped}"),
        ("mix", printable(f"{order.mix.mix.mix}: {order.mix.mix.about}".strip(": "))),
        ("seed", str(order.seed)),
        ("strategy", f"MEHRS {strategy.mehrs.version}, MAM {strategy.mam.version}"),
        *overlay,
        (
            "each",
            f"{mean(totals['events'], done)} events, {mean(totals['attempts'], done)} attempts, "
            f"{mean(totals['passages'], done)} passages, {mean(totals['wake-ups'], done)} SMS",
        ),
        ("in long retries", f"{long:,} ({percent(long, done)})"),
        ("trouble in key rotation", f"{trouble:,} ({percent(trouble, done)})"),
        ("SMS wake-ups", f"{totals['wake-ups']:,}"),
        ("days needed", f"{days.needed:,}, of them {days.crowded:,} over the daily capacity"),
    ]


def _plots(campaign: Campaign) -> Iterator[Plot]:
    tally = campaign.tally
    half, most = (format_duration(quantile(tally.spans, part) * STEP) for part in (50, 99))
    yield Plot(
        "From the first opening to the last close",
        f"Half within {half}, 99 % within {most}.",
        histogram("duration", tally.spans, _span, f"steps of {format_duration(STEP)}"),
    )
    yield Plot("Days", _openings(campaign), _day_plot(campaign, days_of(campaign)))
    for section in sorted({section for section, _ in tally.attempts}):
        counts = {n: count for (found, n), count in tally.attempts.items() if found == section}
        about = f"Installations by their attempts of section {section}, where they had any."
        svg = histogram(f"attempts of {section}", counts, str, "attempts")
        yield Plot(f"Attempts of {section}", about, svg)
    about = f"{tally.totals['wake-ups']:,} in all; each costs money, whether it arrived or not."
    svg = histogram("SMS wake-ups", tally.wake_ups, str, "SMS for an installation")
    yield Plot("SMS wake-ups", about, svg)


def _span(steps: int) -> str:
    return format_duration(steps * STEP)


def _openings(campaign: Campaign) -> str:
    capacity = campaign.order.mix.mix.daily_capacity
    return f"Passages opened: first ones and resubmissions. The line: {capacity:,} a day."


def _day_plot(campaign: Campaign, found: Days) -> Markup:
    width = max(1, -(-len(found.by_day) // 90))
    bars = []
    for first in range(0, len(found.by_day), width):
        some = found.by_day[first : first + width]
        new, again = sum(each[1] for each in some), sum(each[2] for each in some)
        name = day_text(some[0][0]) + (f" and {len(some) - 1} more" if len(some) > 1 else "")
        bars.append(Bar(name, (("first", new), ("resubmissions", again))))
    return days("openings by day", bars, campaign.order.mix.mix.daily_capacity * width)


def _tables(campaign: Campaign) -> Iterator[Table]:
    tally, order = campaign.tally, campaign.order
    done = tally.totals["installations"]
    yield _by_outcome("Outcomes", "group", tally.outcomes, tally, done)
    about = "An installation for which several hold counts in each."
    yield _by_outcome("Conditions", "condition", tally.conditions, tally, done, about)
    rules = {rule for rule, _ in tally.rules}
    yield Table(
        "Rules",
        ("rule", *_VERDICTS),
        [
            (rule, *(f"{tally.rules[rule, word]:,}" for word in _VERDICTS))
            for rule in order.strategy.rules
            if rule in rules
        ],
        "Installations by their worst verdict of each rule that was exercised.",
    )
    yield Table(
        "Failed sections",
        ("section and code", "installations", "of all"),
        [
            (printable(f"{section} {code}"), f"{count:,}", percent(count, done))
            for (section, code), count in _largest(tally.failures)
        ],
    )
    yield Table(
        "Codes reported",
        ("code", "installations", "of all"),
        [
            (printable(code), f"{count:,}", percent(count, done))
            for code, count in _largest(tally.reports)
        ],
    )
    yield Table(
        "Worst cases",
        ("kind", "installation", "how bad", "run it alone"),
        [
            (kind, name, size_text(kind, size), replay(order, number))
            for kind, extremes in sorted(tally.worst.items())
            for size, number, name in extremes
        ],
        texts=True,
    )


def _by_outcome(
    title: str,
    first: str,
    counts: Counter[tuple[str, str]],
    tally: Tally,
    done: int,
    about: str = "",
) -> Table:
    outcomes = sorted({outcome for _, outcome in tally.outcomes})
    rows = []
    for name in dict.fromkeys(name for name, _ in sorted(counts)):
        of_name = [counts[name, outcome] for outcome in outcomes]
        whole = sum(of_name)
        rows.append((name, *(f"{n:,}" for n in of_name), f"{whole:,}", percent(whole, done)))
    return Table(title, (first, *outcomes, "all", "of all"), rows, about)


def _largest(counts: Counter[Any]) -> Iterable[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
