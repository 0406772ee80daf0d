"""What `smets1-bench faults` left in a folder, as its page and a run's report show it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.errors import UsageError
from bench.migration.sections import PROCESS
from bench.report.heat_map import FaultGrid, Heat, HeatTable, NamedCell

GRID: Final = "grid.json"

_ABOUT: Final = {
    "singles": "Each single fault, by the step in which it struck.",
    "pairs": "Each fault of a pair, by the step in which it struck.",
    "acts": "Each message fate of a schedule, by the message of the act it befell.",
    "schedules": "Each message fate of a schedule, by the message of key rotation it befell.",
}
_AFTER: Final = ("rollback", "after the end", "never")


def read_grid(folder: Path) -> FaultGrid | None:
    """None where no grid was written there. Raises `UsageError` where the file is none."""
    path = folder / GRID
    try:
        return fault_grid(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: no grid of this bench: {error!r}",
            hint=f"smets1-bench faults --out {folder} writes it anew; or move it away",
        ) from None


def fault_grid(record: Mapping[str, Any]) -> FaultGrid:
    """Raises `ValueError`, `KeyError`, `TypeError`, `AttributeError`: it has another form."""
    if record["format"] != 2:
        raise ValueError(f"expected format 2, got {record['format']}")
    parts: Mapping[str, Any] = record["parts"]
    ends = Counter[str]()
    for part in parts.values():
        ends.update(part["ends"])
    whole = "" if record["complete"] else ", stopped before the end"
    sample = record["sample"]
    facts = (
        ("runs", f"{record['runs']:,}{whole}"),
        ("red", f"{record['red']:,}"),
        *((end, f"{count:,}") for end, count in ends.items()),
        ("reached", str(record["via"])),
        ("seed", str(record["seed"])),
        ("sample", "everything" if sample is None else f"{sample} of each"),
    )
    return FaultGrid(
        facts,
        tuple(_named(each) for part in parts.values() for each in part["red"]),
        tuple(_named(each) for part in parts.values() for each in part["parked"]),
        tuple(table for name, part in parts.items() for table in _tables(name, part["heat"])),
    )


def _named(each: Mapping[str, str]) -> NamedCell:
    return NamedCell(each["end"], each["why"], each["replay"])


def _tables(part: str, heat: list[dict[str, Any]]) -> list[HeatTable]:
    tables = []
    for installation in sorted({each["installation"] for each in heat}):
        cells = {
            (each["fault"], each["where"]): Heat(
                sum(each["ends"].values()), each["parked"], each["red"], each["replay"]
            )
            for each in heat
            if each["installation"] == installation
        }
        faults = sorted({fault for fault, _ in cells})
        places = sorted({where for _, where in cells}, key=_in_order)
        about = _ABOUT.get(part, "")
        tables.append(HeatTable(f"{part}: {installation}", about, faults, places, cells))
    return tables


def _in_order(place: str) -> tuple[int, str]:
    """As the process goes; messages of an act after that, by name."""
    order = sorted({stage.section for stages in PROCESS.values() for stage in stages})
    order = [*sorted(order, key=_first_in_process), *_AFTER]
    return (order.index(place), "") if place in order else (len(order), place)


def _first_in_process(section: str) -> int:
    return max(
        next((at for at, stage in enumerate(stages) if stage.section == section), 0)
        for stages in PROCESS.values()
    )
