"""A folder to begin with: a station, a suite and a profile that run at once, with their schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from bench.errors import BenchError, Problem, UsageError
from bench.schemas.forms import schema
from bench.shipped import fixtures

SCHEMAS: Final = ".schemas"
_FILES: Final = {"station.yaml": "station", "suite.yaml": "suite", "my-meter.yaml": "profile"}
"""The kind of each file; it names its schema in its first line, for editors."""


def start(folder: Path) -> list[Path]:
    """Writes the files and returns them. A file that is there already is never written over.

    `UsageError`: some are there, each named; then none is written. Or a file is in the way of the
    folder. `BenchError`: it cannot be written.
    """
    contents = {
        folder / name: (fixtures() / "starters" / name).read_text(encoding="utf-8")
        for name in _FILES
    }
    contents |= {
        folder / SCHEMAS / f"{kind}.schema.json": json.dumps(schema(kind), indent=1) + "\n"
        for kind in (*_FILES.values(), "installation", "overlay")
    }
    try:
        there = [Problem(str(path), "exists already") for path in contents if path.exists()]
        if there:
            raise UsageError(there, hint="name a new folder; nothing was written")
        (folder / SCHEMAS).mkdir(parents=True, exist_ok=True)
        for path, text in contents.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(
            Problem(str(error.filename or folder), f"expected a folder: {error.strerror}"),
            hint="name a new folder",
        ) from None
    except OSError as error:
        raise BenchError(
            f"{error.filename or folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written",
        ) from None
    return [folder / name for name in _FILES]
