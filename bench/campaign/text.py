"""A campaign in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from bench.campaign.record import (
    days_of,
    mean,
    quantile,
    replay,
    size_text,
    verdict_counts,
)
from bench.campaign.tally import STEP
from bench.campaign.working import Campaign
from bench.printable import printable
from bench.units import format_duration


def campaign_text(campaign: Campaign) -> str:
    return "".join(f"{line}\n" for line in _lines(campaign))


def _lines(campaign: Campaign) -> Iterator[str]:
    order, tally = campaign.order, campaign.tally
    totals, done = tally.totals, tally.totals["installations"]
    strategy = order.strategy
    overlay = "" if strategy.overlay is None else f", overlay {printable(strategy.overlay.name)}"
    yield (
        f"EMULATED campaign: {done:,} installations of mix {order.mix.mix.mix}, seed {order.seed}, "
        f"MEHRS {strategy.mehrs.version}, MAM {strategy.mam.version}{overlay}"
    )
    if not campaign.complete:
        yield f"stopped: {done:,} of {order.installations:,} are done"
    if not done:
        return
    for outcome in sorted({outcome for _, outcome in tally.outcomes}):
        count = sum(n for (_, found), n in tally.outcomes.items() if found == outcome)
        yield f"  {outcome:<16}{count:>12,}  {percent(count, done)}"
    yield (
        f"each: {mean(totals['events'], done)} events, {mean(totals['attempts'], done)} attempts, "
        f"{mean(totals['passages'], done)} passages, {mean(totals['wake-ups'], done)} SMS"
    )
    long, trouble = totals["in-long-retries"], totals["trouble-in-key-rotation"]
    yield (
        f"in long retries: {long:,} ({percent(long, done)}); "
        f"with trouble in key rotation: {trouble:,} ({percent(trouble, done)})"
    )
    half, most = (format_duration(quantile(tally.spans, part) * STEP) for part in (50, 99))
    yield f"from opening to close: half within {half}, 99 % within {most}"
    days = days_of(campaign)
    yield f"days needed: {days.needed:,}, of them {days.crowded:,} over the daily capacity"
    passed, failed, open_ = (
        verdict_counts(tally, word) for word in ("passed", "failed", "inconclusive")
    )
    yield f"rules judged: {passed:,} passed, {failed:,} failed, {open_:,} inconclusive"
    for kind, extremes in sorted(tally.worst.items()):
        size, number, name = extremes[0]
        yield f"{kind}: {name}, {size_text(kind, size)}"
        yield f"  {replay(order, number)}"


def percent(count: int, whole: int) -> str:
    """To a hundredth of a per cent."""
    return f"{100 * count / whole:.2f} %" if whole else "-"
