"""The options that choose a strategy, the same for every command that goes by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.errors import Problem, UsageError
from bench.mehrs.strategy import Strategy

_Command = TypeVar("_Command", bound=Callable[..., Any])


def strategy_options(command: _Command) -> _Command:
    """Adds `--mehrs`, `--as-of`, `--mam` and `--overlay`, for `chosen_strategy`."""
    for option in (
        click.option(
            "--overlay",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Values from the documents your lab holds, each with its citation.",
        ),
        click.option("--mam", metavar="VERSION", help="The MAM version; 4.0 unless told."),
        click.option(
            "--as-of",
            metavar="DATE",
            help="The versions in force on this day, such as 2021-04-30; refused where not known.",
        ),
        click.option("--mehrs", metavar="VERSION", help="The MEHRS version; 5.0 unless told."),
    ):
        command = option(command)
    return command


def chosen_strategy(
    mehrs: str | None, as_of: str | None, mam: str | None, overlay: Path | None
) -> Strategy:
    """What the options ask for. Raises UsageError."""
    from bench.mehrs.loader import load_strategy  # the rest of --help does without it
    from bench.mehrs.versions import choose

    day = None
    if as_of is not None:
        try:
            day = date.fromisoformat(as_of)
        except ValueError:
            raise UsageError(
                Problem("--as-of", f"expected a date such as 2021-04-30, got '{as_of[:40]}'")
            ) from None
    return load_strategy(*choose(mehrs, day, mam), overlay)
