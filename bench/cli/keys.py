"""`smets1-bench keys`: what a run on real kit keeps of its keys, by check value only."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import UsageError
from bench.journal.key_store import FILE, KeyStore, RetiredKey
from bench.printable import printable


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--take", metavar="CHECK-VALUE", help="Hand out the key of this check value.")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="The file it goes to.")
def keys(run: Path, take: str | None, to: Path | None) -> None:
    """Lists the keys that RUN, a run on real kit, keeps: any of them a meter may hold.

    Shows check values, never a key. With --take and --to one key goes to a new file that only its
    owner can read, and a station file refers to it. Which of them a meter holds is what it states
    itself: `smets1-bench identify` shows the check value. Exits 2 when there is no such key.

    \b
    Examples:
      smets1-bench keys runs/monday
      smets1-bench keys runs/monday --take 3F09A1 --to electricity.key
    """
    path = run / FILE
    if (take is None) != (to is None):
        raise UsageError("keys: --take and --to belong together")
    if not path.exists():
        raise UsageError(
            f"{printable(str(path))}: there is no such file",
            hint="name the folder of a run; one on emulated kit keeps no keys",
        )
    store = KeyStore.open(path)
    if take is None or to is None:
        _list(store)
        return
    store.hand_out(take.upper(), to)
    click.echo(f"{printable(str(to))}: the key {take.upper()}")
    click.echo(printable(f"in the station file, beside it:  security: {{sua: file:{to.name}}}"))


def _list(store: KeyStore) -> None:
    listed = [*store.listed()]
    for scenario, place, held_as, key in listed:
        where = f"{place} of {scenario}" if place else key.label
        state = "retired" if isinstance(key, RetiredKey) else held_as
        click.echo(printable(f"{key.check_value}  {state:8}  {where}"))
    if not listed:
        click.echo("no key is kept: the run made none, and its meters hold none that it was given")
