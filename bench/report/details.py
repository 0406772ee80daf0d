"""Who ordered a test, who made it, and what else only people know.

It stands in `details.yaml` in a run's folder, where `smets1-bench report DIR --details FILE` puts
it. The report leaves a blank line for what is not given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import BenchError
from bench.file_model import read
from bench.yaml_source import load

DETAILS: Final = "details.yaml"


@dataclass(frozen=True, slots=True)
class Party:
    """`address` also says how to reach them."""

    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """The form of the file; every key may be left out. Dates are texts, shown as they stand.

    `location`: where the test was made. `items`: the state in
    which what was tested came in. `external`: results that others provided.
    """

    laboratory: Party = Party()
    location: str = ""
    customer: Party = Party()
    order: str = ""
    items: str = ""
    received: str = ""
    sampling: str = ""
    conditions: str = ""
    issued: str = ""
    authorised_by: str = ""
    external: str = ""
    remarks: str = ""


def read_details(folder: Path) -> Details:
    """What the run's folder says; nothing where it has no such file. Raises `UsageError`."""
    path = folder / DETAILS
    return read(load(path), Details) if path.exists() else Details()


def keep_details(file: Path, folder: Path) -> None:
    """Puts the file into the run's folder, if it is one. Raises `UsageError`, `BenchError`."""
    read(load(file), Details)
    try:
        (folder / DETAILS).write_bytes(file.read_bytes())
    except OSError as error:
        raise BenchError(f"{folder / DETAILS}: cannot be written: {error.strerror}") from None
