"""How uncertain each kind of judged wait was: from `clock.json` of a run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.units import Micros

CLOCK: Final = "clock.json"
"""Written by every run (docs/pack.md)."""


def read_uncertainties(folder: Path) -> Mapping[str, Micros]:
    """By the parameter that limits the wait, the largest of all scenarios.

    Empty on a virtual clock, and where the file is not there or says nothing of waits.
    """
    found: dict[str, Micros] = {}
    try:
        scenarios = json.loads((folder / CLOCK).read_bytes())["scenarios"].values()
        for scenario in scenarios:
            for parameter, wait in scenario["waits"].items():
                found[parameter] = max(found.get(parameter, 0), int(wait["uncertainty"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found
