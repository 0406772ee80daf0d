"""Whether a command line could be typed: its command and its options exist. Nothing is run."""

from __future__ import annotations

import shlex
from contextlib import suppress

import click

from bench.cli import main


def parses(line: str) -> None:
    """Raises click's error about the command or an option; values are not looked at.

    A sentence may name an option without its value.
    """
    program, *words = shlex.split(line, comments=True)
    assert program == "smets1-bench", line
    command: click.Command = main
    context = click.Context(main, info_name=program, **main.context_settings)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no command is called {words[0]!r}")
        command, words = found, words[1:]
        context = click.Context(command, parent=context)
    with suppress(click.BadOptionUsage):
        command.make_parser(context).parse_args(words)
