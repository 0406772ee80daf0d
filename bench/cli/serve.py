"""`smets1-bench serve`: runs in a browser, live and finished."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import BenchError, UsageError


@click.command()
@click.argument("runs", metavar="[DIR]", default="runs", type=click.Path(path_type=Path))
@click.option("--port", default=8137, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless told.")
@click.option("--control", is_flag=True, help="The page may stop runs and answer questions.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in the web browser.")
def serve(runs: Path, port: int, host: str, control: bool, open_it: bool) -> None:
    """Shows the runs in DIR (runs/ unless told) in a browser, until Ctrl-C.

    Prints the address, which holds a secret for this time: whoever has it may look. Without
    --control the pages are read-only.

    \b
    Examples:
      smets1-bench serve
      smets1-bench serve runs/monday --control --open
    """
    from bench.serving.runs import Runs
    from bench.serving.server import LOOPBACK, Server

    if not 0 <= port <= 65535:
        raise UsageError(f"--port: expected 0 to 65535, got {port}")
    if not runs.is_dir():
        raise UsageError(
            f"{runs}: expected a folder of runs, got {'a file' if runs.exists() else 'nothing'}",
            hint="`smets1-bench run` makes runs/; or name the folder given to --out",
        )
    try:
        server = Server(Runs(runs), host, port, control=control)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BenchError(
            f"{host}:{port} cannot be served: {reason}", hint="choose another with --port"
        ) from error
    with server:
        if host != LOOPBACK:
            click.echo("warning: other machines can reach this server, unencrypted", err=True)
        click.echo(server.address)
        if open_it:
            click.launch(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
