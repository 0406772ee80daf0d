"""Two campaigns side by side: the same seed draws the same installations for both, where it can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from bench.campaign.page import Table, page
from bench.campaign.record import as_json, days_of, mean, quantile, verdict_counts
from bench.campaign.tally import STEP
from bench.campaign.text import percent
from bench.campaign.working import Campaign
from bench.units import format_duration

COMPARED: Final = "compare.json"
COMPARED_PAGE: Final = "compare.html"

Row = tuple[str, str, str]


def compared_json(campaigns: dict[str, Campaign]) -> str:
    """Both records under their names."""
    both: dict[str, Any] = {name: as_json(campaign) for name, campaign in campaigns.items()}
    return json.dumps(both, indent=1, ensure_ascii=False) + "\n"


def compared_text(campaigns: dict[str, Campaign]) -> str:
    """A table for a terminal."""
    rows = [("", *campaigns), *_rows(list(campaigns.values()))]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}\n" for row in rows
    )


def compared_page(campaigns: dict[str, Campaign]) -> str:
    one, other = campaigns
    table = Table("Side by side", ("", one, other), list(_rows(list(campaigns.values()))))
    facts = []
    for name, campaign in campaigns.items():
        strategy = campaign.order.strategy
        versions = f"MEHRS {strategy.mehrs.version}, MAM {strategy.mam.version}"
        facts.append((name, f"mix {campaign.order.mix.mix.mix}, {versions}"))
    facts.append(("seed", str(campaigns[one].order.seed)))
    return page(f"{one} and {other}", facts, [table])


def _rows(campaigns: list[Campaign]) -> Iterator[Row]:
    def row(name: str, of: Any) -> Row:
        one, other = (of(campaign) for campaign in campaigns)
        return name, one, other

    def total(name: str) -> Any:
        return lambda campaign: f"{campaign.tally.totals[name]:,}"

    def each(name: str) -> Any:
        def told(campaign: Campaign) -> str:
            totals = campaign.tally.totals
            return str(mean(totals[name], totals["installations"]))

        return told

    yield row("installations", total("installations"))
    for outcome in sorted({key[1] for campaign in campaigns for key in campaign.tally.outcomes}):
        yield row(outcome, _share_of(outcome))
    yield row("in long retries", total("in-long-retries"))
    yield row("trouble in key rotation", total("trouble-in-key-rotation"))
    for name in ("events", "passages", "attempts", "wake-ups"):
        yield row(f"{name}, each", each(name))
    yield row("wake-ups", total("wake-ups"))
    for part in (50, 95, 99):
        yield row(f"{part} % within", _within(part))
    yield row("days needed", lambda campaign: f"{days_of(campaign).needed:,}")
    yield row("days over capacity", lambda campaign: f"{days_of(campaign).crowded:,}")
    for verdict in ("passed", "failed", "inconclusive"):
        yield row(f"rules {verdict}", _judged(verdict))


def _share_of(outcome: str) -> Any:
    def told(campaign: Campaign) -> str:
        tally = campaign.tally
        count = sum(n for (_, found), n in tally.outcomes.items() if found == outcome)
        return f"{count:,} ({percent(count, tally.totals['installations'])})"

    return told


def _within(part: int) -> Any:
    return lambda campaign: format_duration(quantile(campaign.tally.spans, part) * STEP)


def _judged(verdict: str) -> Any:
    return lambda campaign: f"{verdict_counts(campaign.tally, verdict):,}"
