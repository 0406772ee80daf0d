"""Orders for campaigns of the shipped mix."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bench.campaign.mix_reading import ReadMix, read_mix
from bench.campaign.working import Order
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE
from bench.shipped import find


@cache
def national() -> ReadMix:
    return read_mix(find("mixes", "national"))


def order_of(
    installations: int,
    *,
    seed: int = 1,
    shard: int = 25,
    parquet: bool = False,
    mix: Path | None = None,
) -> Order:
    return Order(
        "national" if mix is None else str(mix),
        national() if mix is None else read_mix(mix),
        load_strategy(),
        TOLERANCE,
        seed,
        installations,
        shard=shard,
        parquet=parquet,
    )
