"""The option `--accept-inconclusive`, the same for every command that judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bench.printable import printable

if TYPE_CHECKING:
    from bench.acceptance import Acceptance, Undecided

_Command = TypeVar("_Command", bound=Callable[..., Any])


def accept_option(command: _Command) -> _Command:
    """Adds `--accept-inconclusive`, which gives the command an `Acceptance` or None."""
    return click.option(
        "--accept-inconclusive",
        "acceptance",
        multiple=True,
        metavar="RULE|FILE",
        callback=_read,
        help="Exit 0 although this rule is inconclusive. A .yaml file lists rules with reasons.",
    )(command)


def _read(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> Acceptance | None:
    if not given:
        return None
    from bench.acceptance import read_acceptance

    return read_acceptance(given)


def all_accepted(acceptance: Acceptance | None, undecided: Sequence[Undecided]) -> bool:
    """Whether nothing is undecided but what was accepted; says on standard error what was."""
    if acceptance is None:
        return not undecided
    for line in acceptance.told(undecided):
        click.echo(printable(line), err=True)
    return all(acceptance.covers(found) for found in undecided)
