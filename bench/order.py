"""What is to be run: a suite, a station, a seed, and how."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.errors import UsageError
from bench.evidence.signing import Signer
from bench.journal.run_head import Ordered
from bench.operator import Nobody, Operator
from bench.shipped import find
from bench.station import read_station
from bench.station.form import DIRECT, Station
from bench.suite_reading import Forced
from bench.units import MILLISECOND, SECOND, Micros

TOLERANCE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a suite file as the user named it, a choice of its scenarios, a seed.

    `tolerance`: T of docs/trace.md, by which waits are judged; shorter than the waits of the
    strategy, or none of them could be wrong. `operator`: who is asked at the bench. `signer`: signs
    the run's checkpoints while it goes on. `yes`: nobody is asked before what cannot be undone.
    """

    suite: Path
    named: str
    seed: int
    only: tuple[str, ...] = ()
    forced: Forced = field(default_factory=Forced)
    station: Station = DIRECT
    station_named: str = ""
    tolerance: Micros = TOLERANCE
    operator: Operator = field(default_factory=Nobody)
    signer: Signer | None = None
    yes: bool = False

    @property
    def ordered(self) -> Ordered:
        """As it stands in the journal."""
        forced = self.forced
        overlay = None if forced.overlay is None else str(forced.overlay)
        return Ordered(
            folder=str(Path.cwd()),
            suite=str(self.suite),
            named=self.named,
            station=self.station_named,
            seed=self.seed,
            only=self.only,
            mehrs=forced.mehrs,
            mam=forced.mam,
            overlay=overlay,
            tolerance=self.tolerance,
            yes=self.yes,
            signed="" if self.signer is None else self.signer.key_id,
        )

    def replay(self, scenario: str) -> str:
        """The one command that runs this scenario again, to the byte."""
        words = ["smets1-bench", "run", self.named, "--scenario", scenario]
        for option, value in (
            ("--station", self.station_named or None),
            ("--mehrs", self.forced.mehrs),
            ("--mam", self.forced.mam),
            ("--overlay", self.forced.overlay),
            ("--tolerance", None if self.tolerance == TOLERANCE else _span(self.tolerance)),
        ):
            if value is not None:
                words += [option, str(value)]
        return shlex.join([*words, "--seed", str(self.seed)])


def order_again(ordered: Ordered, signer: Signer | None = None) -> Order:
    """The order of a run as its journal has it; nobody is there to be asked yet.

    Raises `UsageError`: its suite or station is gone, or is wrong now.
    """
    forced = Forced(
        ordered.mehrs, ordered.mam, None if ordered.overlay is None else Path(ordered.overlay)
    )
    order = Order(
        _still_there(find("suites", ordered.suite), ordered),
        ordered.named,
        ordered.seed,
        ordered.only,
        forced,
        tolerance=ordered.tolerance,
        signer=signer,
        yes=ordered.yes,
    )
    if not ordered.station:
        return order
    station = read_station(_still_there(find("stations", ordered.station), ordered))
    return replace(order, station=station, station_named=ordered.station)


def _still_there(path: Path, ordered: Ordered) -> Path:
    """Raises `UsageError` where what the run was begun with is gone."""
    try:
        gone = not path.exists()
    except OSError:
        gone = False  # whoever reads it says why it cannot
    if gone:
        raise UsageError(
            f"{path}: no such file, and the run was begun with it in {ordered.folder}",
            hint="put it back there, as it was",
        )
    return path


def _span(span: Micros) -> str:
    """As the command line takes it."""
    seconds, rest = divmod(span, SECOND)
    return f"{span // MILLISECOND}ms" if rest else f"{seconds}s"
