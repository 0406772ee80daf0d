"""`smets1-bench emulate`: emulated devices on ptys and TCP ports, for any client."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.signals import ended_by_signals
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from bench.hosting import HostingPlan, Watcher

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("what", metavar="ROLE|STATION.yaml")
@click.option(
    "--port",
    default="",
    metavar="PORT",
    help="pty: (the default) or tcp:127.0.0.1:PORT; 0 takes a free port. A station names its own.",
)
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The symlink of the pty, the same for as long as it runs; for a station its folder.",
)
@click.option(
    "--security",
    type=click.Choice(["none", "lls", "hls-gmac"]),
    help="What meters ask of their reader, in place of what the profile says.",
)
@click.option("--profile", default="", metavar="NAME|FILE", help="The role's device profile.")
@click.option(
    "--installation",
    default="da-dual-fuel",
    show_default=True,
    metavar="NAME|FILE",
    help="Whose devices are emulated, where no station says it.",
)
@click.option("--state", type=_FILE, metavar="FILE", help="Keeps what devices hold over restarts.")
@click.option("--seed", default=1, show_default=True, help="Of challenges and wake-up times.")
@click.option("--awake", is_flag=True, help="The gas meter listens all the time.")
@click.option("--no-pacing", is_flag=True, help="On a pty octets take no line time.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[@DEVICE][:MOMENT]",
    help="Such as reply-lost:request=rotate_key,nth=2 or power-cut@hub:after=30s,lasts=10s.",
)
@click.option(
    "--deviant",
    "deviants",
    multiple=True,
    metavar="NAME[@DEVICE]",
    help="A device that misbehaves: smets1-bench list deviants.",
)
@click.option("--observe", type=_FILE, metavar="FILE", help="Writes what clients do as a trace.")
@click.option("--map", "map_", type=_FILE, metavar="FILE", help="What requests mean to --observe.")
@click.option("--write-keys", type=_FILE, metavar="FILE", help="The meters' test keys for clients.")
@click.option("--allow-remote", is_flag=True, help="Ports may be on other than loopback addresses.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines only: no hints for people.")
def emulate(
    what: str,
    port: str,
    link: Path | None,
    security: str | None,
    profile: str,
    installation: str,
    state: Path | None,
    seed: int,
    awake: bool,
    no_pacing: bool,
    faults: tuple[str, ...],
    deviants: tuple[str, ...],
    observe: Path | None,
    map_: Path | None,
    write_keys: Path | None,
    allow_remote: bool,
    as_json: bool,
) -> None:
    """Hosts an emulated device, or all of a station, until it is interrupted.

    ROLE is electricity-meter, gas-meter, comms-hub, ihd, relay-board or reference-meter. When all
    can be reached, one JSON line for each device is printed: what a client opens and how it is
    addressed. At the end another says what each device carried out.

    \b
    Examples:
      smets1-bench emulate electricity-meter --link /tmp/meter --security lls
      smets1-bench emulate relay-board --port tcp:127.0.0.1:5020
      smets1-bench emulate electricity-meter --deviant drifts-its-clock
      smets1-bench emulate bench-4.yaml --state bench-4.state
      smets1-bench emulate comms-hub --observe trace.jsonl --map my-s1sp.yaml
    """
    from bench.devices import METERS
    from bench.fault_option import parse_fault
    from bench.hosting_plan import Wanted, plan_of, with_deviants_of

    with ExitStack() as stack:
        folder = cache(lambda: _temporary_folder(stack))
        wanted = Wanted(port, link, profile, installation, allow_remote, awake, folder)
        plan = plan_of(what, wanted)
        if security is not None and not any(each.role in METERS for each in plan.hosted):
            raise UsageError(f"--security: what a meter asks of its reader, and {what} hosts none")
        targets = tuple(each.name for each in plan.hosted)
        plan = replace(
            plan,
            seed=seed,
            security=security or "",
            paced=not no_pacing,
            faults=tuple(parse_fault(text, targets) for text in faults),
            state=state,
        )
        plan = with_deviants_of(plan, deviants)
        watcher = stack.enter_context(_observing(plan, observe, map_))
        _serve(plan, watcher, write_keys, quiet=as_json)


def _serve(
    plan: HostingPlan, watcher: Watcher | None, write_keys: Path | None, *, quiet: bool
) -> None:
    from bench.plugins import EMULATORS, load

    stopped = threading.Event()
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        stopped.set()

    with ended_by_signals(lambda _: stopped.set()):
        kit = load(EMULATORS, "hosting")(plan, watcher=watcher, failed=failed)
        try:
            if write_keys is not None:
                kit.write_keys(write_keys)
            for line in kit.ready():
                _say(line)
            if not quiet:
                click.echo(f"{len(plan.hosted)} emulated: Ctrl-C stops", err=True)
            stopped.wait()
        finally:
            if failures:
                with suppress(BenchError):  # the first failure is what is told
                    kit.close()
            else:
                kit.close()
    if failures:
        raise failures[0]
    for name, counts in kit.executed().items():
        _say({"stopped": name, "executed": counts})


def _say(line: Any) -> None:
    """At once: whoever started this waits for it."""
    click.echo(json.dumps(line))


def _temporary_folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smets1-bench-")))


@contextmanager
def _observing(
    plan: HostingPlan, observe: Path | None, map_: Path | None
) -> Iterator[Watcher | None]:
    if observe is None and map_ is None:
        yield None
        return
    if observe is None or map_ is None:
        raise UsageError(
            "--observe and --map go together: a device does not know what a request means",
            hint="fixtures/observing holds an example of a map; docs/emulate.md explains it",
        )
    from bench.observing.map_file import read_map
    from bench.observing.observer import Observer
    from bench.observing.writing import new_trace
    from bench.plugins import EMULATORS, load

    operations = load(EMULATORS, "requests")
    asked = {each.name: operations[each.role] for each in plan.hosted if each.role in operations}
    held = read_map(map_, asked)
    with new_trace(observe) as emit:
        yield Observer(held, emit)
