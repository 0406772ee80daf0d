"""`smets1-bench completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_PROGRAM = "smets1-bench"
_VARIABLE = "_SMETS1_BENCH_COMPLETE"
_SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Prints the script that lets SHELL complete commands and options.

    \b
    Examples:
      eval "$(smets1-bench completion bash)"       in ~/.bashrc
      eval "$(smets1-bench completion zsh)"        in ~/.zshrc
      smets1-bench completion fish | source        in config.fish
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows these three"
    click.echo(made(context.find_root().command, {}, _PROGRAM, _VARIABLE).source())
