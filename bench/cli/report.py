"""`smets1-bench report`: renders the reports of a run's folder again."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import UsageError


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Write the files and print nothing.")
@click.option(
    "--details",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Laboratory, customer, who authorises (docs/pack.md); kept in DIR as details.yaml.",
)
@click.option("--open", "open_it", is_flag=True, help="Open report.html in the web browser.")
def report(folder: Path, quiet: bool, details: Path | None, open_it: bool) -> None:
    """Renders report.html, junit.xml and mrr6.csv in DIR and prints the table of the run.

    DIR is a folder that `run --out DIR` wrote; result.json and trace.jsonl in it are read, and
    details.yaml where there is one. The same files always give the same reports. Exits 0 when they
    are written: what the run found is said by `run`, not by this command.

    \b
    Examples:
      smets1-bench report out
      smets1-bench report out --details our-lab.yaml
    """
    import sys

    from bench.report.render import HTML, render
    from bench.report.text import Terminal, report_text
    from bench.result import read_result

    if not folder.is_dir():
        raise UsageError(
            f"{folder}: expected the folder of a run, got "
            f"{'a file' if folder.exists() else 'nothing of that name'}",
            hint="name the folder that `smets1-bench run --out DIR` wrote",
        )
    if details is not None:
        from bench.report.details import keep_details

        keep_details(details, folder)
    render(folder)
    path = folder / HTML
    if not quiet:
        click.echo(report_text(read_result(folder), Terminal.of(sys.stdout), str(path)), nl=False)
    if open_it:
        click.launch(str(path))
