"""One cell of the grid: an installation, what strikes it, and when. Its name replays it.

`da-dual-fuel/keys/r3=request-held,r9=let-1,r9=reply-lost` — requests are counted from 1 in the key
rotation; the third is held, and let through just before the ninth, whose reply is lost.
`ioc-dual-fuel/run/e12=power-cut@hub~21600s` — requests (`r`) and events of the trace (`e`) are
counted from the opening; after the twelfth event the hub loses its mains for six hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.errors import UsageError
from bench.units import SECOND, Micros, parse_duration
from bench.yaml_scalar import quoted

LET: Final = "let-"

_STRIKE: Final = re.compile(
    r"(?P<where>[re])(?P<at>[1-9][0-9]{0,8})=(?P<fault>[a-z][a-z0-9-]*)"
    r"(@(?P<target>[^~,@]+))?(~(?P<lasts>[0-9]+[a-z]+))?"
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class Scope(StrEnum):
    """Which requests are counted, and under which retry."""

    RUN = "run"  # all of them
    KEYS = "keys"  # those of key rotation and of its rollback
    ONCE = "keys-once"  # the same where 3.3 has no repeats: each doubt leads into the rollback
    REBOOT = "reboot"  # those of `bench.settling.reboot_hub` alone, as of the next two
    JOIN = "join"  # `let_join` of a display that has left
    CLOCK = "clock"  # `set_clock` of a meter whose clock is wrong

    @property
    def is_act(self) -> bool:
        """Of a single act and its settling, not of a migration."""
        return self in (Scope.REBOOT, Scope.JOIN, Scope.CLOCK)


@dataclass(frozen=True, slots=True)
class Strike:
    """`at`: before which request, or after which event (`after_event`), counted from 1.

    `fault`: a fault's name, `request-held`, or `let-N`, which lets the N-th held request through.
    `target` and `lasts` belong to faults of a device's state; None: for good.
    """

    at: int
    fault: str
    after_event: bool = False
    target: str = ""
    lasts: Micros | None = None

    @property
    def lets(self) -> int | None:
        """The number, from 0, of the held request that is let through; None: it is a fault."""
        if not self.fault.startswith(LET):
            return None
        return int(self.fault.removeprefix(LET)) - 1

    def __str__(self) -> str:
        target = f"@{self.target}" if self.target else ""
        lasts = "" if self.lasts is None else f"~{self.lasts // SECOND}s"
        return f"{'e' if self.after_event else 'r'}{self.at}={self.fault}{target}{lasts}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Strikes in the order in which they come."""

    installation: str
    scope: Scope
    strikes: tuple[Strike, ...] = ()

    def __str__(self) -> str:
        return f"{self.installation}/{self.scope}/{','.join(map(str, self.strikes)) or 'none'}"

    @property
    def faults(self) -> int:
        return sum(strike.lets is None for strike in self.strikes)


def read_cell(name: str) -> Cell:
    """Raises `UsageError` saying what of the name is wrong."""
    parts = name.split("/")
    if len(parts) != 3 or parts[1] not in set(Scope):
        raise UsageError(
            f"--cell: expected INSTALLATION/SCOPE/STRIKES with one of the scopes "
            f"{', '.join(Scope)}, got {quoted(name)}",
            hint="grid.json and the page of smets1-bench faults name cells, such as "
            "da-dual-fuel/keys/r2=reply-lost",
        )
    words = [] if parts[2] == "none" else parts[2].split(",")
    read = [(word, _read_strike(word)) for word in words]
    wrong = [f"--cell: {quoted(word)} is no strike" for word, strike in read if strike is None]
    if wrong:
        raise UsageError(
            wrong, hint="a strike is such as r2=reply-lost or e12=power-cut@hub~21600s"
        )
    return Cell(parts[0], Scope(parts[1]), tuple(strike for _, strike in read if strike))


def _read_strike(word: str) -> Strike | None:
    match = _STRIKE.fullmatch(word)
    if match is None:
        return None
    fault, lasts = match["fault"], match["lasts"]
    if fault.startswith(LET) and not _NUMBER.fullmatch(fault.removeprefix(LET)):
        return None
    try:
        span = None if lasts is None else parse_duration(lasts)
    except ValueError:
        return None
    return Strike(int(match["at"]), fault, match["where"] == "e", match["target"] or "", span)
