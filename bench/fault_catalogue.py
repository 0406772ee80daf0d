"""Every fault there is, of all six families, with what it does and where it can be applied.

The faults are found through the entry points, so those of a vendor's package are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bench.bench_faults import BENCH, CLOCK_STEP, RELAY_STUCK
from bench.plugins import DRIVERS, EMULATORS, load

FAMILIES: Final = ("line", "protocol", "device", "network", "process", "bench")

ADAPTER_GONE: Final = "unplugged"
"""Strikes octets like any fault of the pipe, but is the bench's own."""


class Place(StrEnum):
    """Where a fault can be applied."""

    MODEL = "emulated devices and parties"
    PIPE = "any line, emulated or real"
    BENCH = "the bench itself"


@dataclass(frozen=True, slots=True)
class CataloguedFault:
    """`name` as `list faults` shows it; `targets`: roles and parties, or protocols; empty: any.

    `in_suites`: a scenario's `faults:` may name it. One of the pipe whose name an emulated one has
    too is only reached from Python, and is shown as `pipe:NAME`.
    """

    name: str
    family: str
    about: str
    place: Place
    targets: tuple[str, ...]
    options: tuple[str, ...]
    in_suites: bool = True


def catalogue() -> tuple[CataloguedFault, ...]:
    """By family, then by name. Every family has at least one."""
    found = [*_emulated(), *_of_the_pipe(), *_of_the_bench()]
    return tuple(sorted(found, key=lambda fault: (FAMILIES.index(fault.family), fault.name)))


def _emulated() -> Iterator[CataloguedFault]:
    faults: Mapping[str, Any] = load(EMULATORS, "faults")
    for name, fault in faults.items():
        targets = tuple(sorted(map(str, (*fault.roles, *fault.parties))))
        options = tuple(sorted(map(str, fault.options)))
        yield CataloguedFault(
            name, str(fault.family), fault.description, Place.MODEL, targets, options
        )


def _of_the_pipe() -> Iterator[CataloguedFault]:
    faults: Mapping[str, Any] = load(DRIVERS, "pipe-faults")
    emulated = load(EMULATORS, "faults")
    for name, fault in faults.items():
        family = "bench" if name == ADAPTER_GONE else str(fault.family)
        yield CataloguedFault(
            f"pipe:{name}" if name in emulated else name,
            family,
            " ".join(fault.description.split()),
            Place.PIPE,
            tuple(sorted(map(str, fault.protocols))),
            tuple(sorted(map(str, fault.options))),
            in_suites=name not in emulated,
        )


def _of_the_bench() -> Iterator[CataloguedFault]:
    faults: Mapping[str, Callable[..., Any]] = load(EMULATORS, "bench-faults")
    for name, fault in faults.items():
        about = " ".join((fault.__doc__ or "").partition("\n\n")[0].split())
        targets = ("the device that a relay feeds",) if name == RELAY_STUCK else (BENCH,)
        options = ("by",) if name == CLOCK_STEP else ()
        yield CataloguedFault(name, "bench", about, Place.BENCH, targets, options)
