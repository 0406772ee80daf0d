"""The machine the bench runs on: its clock, its disk, and who may open a port."""

from __future__ import annotations

import grp
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.clock_evidence import Synchronisation, kernel_synchronisation
from bench.doctor.finding import Condition, Finding
from bench.units import SECOND, format_duration

LEAST_FREE: Final = 500_000_000
"""Octets that a long run with captures may well need."""
_FAR_OFF: Final = SECOND


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine; a test gives its own answers.

    `free`: octets left where the runs are written. `openable`: whether this user may read and write
    a path.
    """

    synchronisation: Callable[[], Synchronisation | None] = kernel_synchronisation
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    openable: Callable[[Path], bool] = lambda path: os.access(path, os.R_OK | os.W_OK)


def clock(machine: Machine, *, real: bool) -> Finding:
    """`real`: waits on this station are measured with the machine's clock."""
    if not real:
        return Finding("clock", Condition.OK, "virtual: the machine's clock is not used")
    told = machine.synchronisation()
    if told is None:
        detail = "the system does not say whether its clock is held in step with UTC"
        return Finding("clock", Condition.NOT_CHECKED, detail)
    if told.held and told.max_error < _FAR_OFF:
        bound = format_duration(told.max_error)
        return Finding("clock", Condition.OK, f"held in step with UTC, off by {bound} at most")
    detail = (
        f"off from UTC by up to {format_duration(told.max_error)}"
        if told.held
        else "nothing holds it in step with UTC"
    )
    return Finding(
        "clock", Condition.ATTENTION, detail, "start an NTP client: timedatectl set-ntp true"
    )


def disk(machine: Machine, folder: Path) -> Finding:
    """The disk of the folder, or of the nearest one above it that is there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    free = machine.free(folder)
    said = f"{free // 1_000_000} MB are free in {folder}"
    if free >= LEAST_FREE:
        return Finding("disk", Condition.OK, said)
    step = f"make room for {LEAST_FREE // 1_000_000} MB, or run with --out on another disk"
    return Finding("disk", Condition.ATTENTION, said, step)


def permission(machine: Machine, subject: str, port: str) -> Iterator[Finding]:
    """Nothing where the port is no path, is not there, or may be opened."""
    path = Path(port)
    if not port.startswith("/") or not path.exists() or machine.openable(path):
        return
    group = _group_of(path)
    yield Finding(
        subject,
        Condition.FAULTY,
        f"{port}: your user may not open it; it belongs to the group {group}",
        f"join the group and log in again: sudo usermod -aG {group} $USER",
    )


def _group_of(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
