"""What was put back, when and by whom: a line each in the run's folder."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Final

from bench.units import format_instant

FILE: Final = "safe-state.jsonl"


def note(folder: Path, by: str, what: str, outcome: str) -> None:
    """Adds a line; on the disk when this returns. Raises `OSError`."""
    at = format_instant(time.time_ns() // 1000)
    line = json.dumps({"at": at, "by": by, "undo": what, "outcome": outcome}, ensure_ascii=False)
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
