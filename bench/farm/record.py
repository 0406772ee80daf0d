"""What a farm found out: the record that `farm.json` holds and its reports are rendered from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.farm.plan import FarmStation
from bench.report.marks import verdict_of
from bench.result import UNHEARD, RunRecord, read_result
from bench.verdict import Verdict

FARM: Final = "farm.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class CertificateLine:
    strategy: str
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class StationRecord:
    """What became of one station. `verdict` is its run's, or bench-error where there is no result.

    `end`: what it said of its end beside a verdict. `scenarios`: verdict (or *not run*) by name.
    """

    name: str
    given: str
    folder: str
    verdict: str
    kit: str
    clock: str
    stopped: str
    end: str
    scenarios: Mapping[str, str]
    certificates: tuple[CertificateLine, ...] = ()


@dataclass(frozen=True, slots=True)
class FarmRecord:
    """All stations. `verdict` is the worst; `kit` is REAL or EMULATED only if all of them are.

    Of a farm that is still going on there are fewer stations than `planned` names.
    """

    suite: str
    seed: int
    tool: str
    planned: tuple[FarmStation, ...]
    stations: tuple[StationRecord, ...]
    format: int = FORMAT

    @property
    def worst(self) -> Verdict:
        return max(
            (Verdict[each.verdict.upper().replace("-", "_")] for each in self.stations),
            default=Verdict.INCONCLUSIVE,
        )

    @property
    def kit(self) -> str:
        told = {each.kit for each in self.stations if each.kit}
        kits = told - {UNHEARD} or told
        return kits.pop() if len(kits) == 1 else "MIXED"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario of any station, in the order of the first that has it."""
        return tuple(dict.fromkeys(name for each in self.stations for name in each.scenarios))


def station_record(farm: Path, station: FarmStation, end: str) -> StationRecord:
    """Of a run that has ended, from its own `result.json` if there is one."""
    folder = farm / station.folder
    try:
        run = read_result(folder)
    except UsageError as error:
        said = end or "; ".join(map(str, error.problems))
        verdict = Verdict.BENCH_ERROR.label
        return StationRecord(
            station.name, station.given, station.folder, verdict, "", "", "", said, {}
        )
    return StationRecord(
        station.name,
        station.given,
        station.folder,
        run.verdict,
        run.kit,
        run.clock,
        run.stopped,
        end,
        {each.name: verdict_of(each) for each in run.scenarios},
        tuple(_certificates(run)),
    )


def _certificates(run: RunRecord) -> Sequence[CertificateLine]:
    return [
        CertificateLine(each.strategy.label, each.verdict, each.why) for each in run.certificates
    ]


def to_json(record: FarmRecord) -> str:
    """The text of `farm.json`, with the worst verdict and the kit that follow from the stations."""
    data = {**asdict(record), "verdict": record.worst.label, "kit": record.kit}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def read_farm(folder: Path) -> FarmRecord:
    """Raises `UsageError`: it is missing or not ours."""
    path = folder / FARM
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise UsageError(f"{path}: expected format {FORMAT}, got {data['format']!r}")
        stations = tuple(
            StationRecord(
                **{
                    **each,
                    "certificates": tuple(CertificateLine(**line) for line in each["certificates"]),
                }
            )
            for each in data["stations"]
        )
        planned = tuple(FarmStation(**each) for each in data["planned"])
        return FarmRecord(data["suite"], data["seed"], data["tool"], planned, stations)
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such file", hint="name the folder that `smets1-bench farm --out DIR` wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: expected a farm of this bench, got something else ({error})"
        ) from None
