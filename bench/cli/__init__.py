"""The command line. Commands are imported when they are called: `--help` starts fast.

Here is the edge where errors become sentences and exit codes (`bench.errors`).
"""

from __future__ import annotations

import errno
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from bench.errors import BenchError, ExitCode, PeerError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: Final = {
    "run": ("bench.cli.run:run", "Run a suite on emulated installations and write a report."),
    "farm": ("bench.cli.farm:farm", "Run a suite on many stations at once, one report."),
    "resume": ("bench.cli.resume:resume", "Take up a run that was stopped, and finish it."),
    "keys": ("bench.cli.keys:keys", "List the keys a stopped run keeps; hand one out."),
    "check": ("bench.cli.check:check", "Judge a trace against the strategy, rule by rule."),
    "rules": ("bench.cli.rules:rules", "Print the strategy: values, rules, status, sources."),
    "faults": ("bench.cli.faults:faults", "Run everything that can go wrong; judge each end."),
    "campaign": ("bench.cli.campaign:campaign", "Migrate a whole population, and count."),
    "report": ("bench.cli.report:report", "Render the report of a finished run again."),
    "serve": ("bench.cli.serve:serve", "Show runs in a browser, live and finished."),
    "pack": ("bench.cli.pack:pack", "Make one signed file of evidence from a run."),
    "verify": ("bench.cli.verify:verify", "Say of a pack what is proven and what is not."),
    "emulate": ("bench.cli.emulate:emulate", "Host emulated devices on ptys and TCP ports."),
    "capture": ("bench.cli.capture:capture", "Read, replay, compare what passed on a port."),
    "identify": ("bench.cli.identify:identify", "Find out what is at a port, read-only."),
    "profile": ("bench.cli.profile:profile", "Check a device profile against a device."),
    "power": ("bench.cli.power:power", "Show and set the relays of a station by hand."),
    "init": ("bench.cli.init:init", "Write a station, a suite and a profile to begin with."),
    "schema": ("bench.cli.schema:schema", "Print the JSON Schema of a kind of file."),
    "doctor": ("bench.cli.doctor:doctor", "Say whether a station is ready, and what to do."),
    "scan": ("bench.cli.scan:scan", "List serial adapters, with lines for a station."),
    "completion": ("bench.cli.completion:completion", "Print a shell's completion script."),
    "list": ("bench.cli.list:list_", "List suites, scenarios, installations and faults."),
}


_NOT_WRITTEN: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""A disk or a terminal that takes no more: a fault of the bench, no bug."""

INTERRUPTED: Final = 130
"""As a shell says it of Ctrl-C."""

CUT_OFF: Final = 141
"""As a shell says it of a program whose reader went away, as `head` does: no verdict."""


class BenchGroup(click.Group):
    """Loads a command when it is asked for, and turns errors into text and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from bench.spelling import did_you_mean

            near = did_you_mean(args[0], COMMANDS) or f"; known: {', '.join(COMMANDS)}"
            raise UsageError(f"no command is called '{args[0]}'{near}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        near = [each for each in COMMANDS.items() if each[0].startswith(incomplete)]
        commands = [CompletionItem(name, help=about) for name, (_, about) in near]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            for problem in error.problems:
                _say(f"error: {problem}")
            _hint(error.hint)
            ctx.exit(error.exit_code)
        except (PeerError, BenchError) as error:
            _say(f"error: {error}")
            _hint(getattr(error, "hint", ""))
            ctx.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _say("interrupted")
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _read_no_further()
            ctx.exit(CUT_OFF)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
                raise  # `main` tells it
            ctx.exit(_report_bug(error))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Also `--help` may have nowhere to be written to."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if error.errno not in _NOT_WRITTEN:
                raise
            _say(f"error: cannot write {error.filename or 'the output'}: {error.strerror}")
            _hint("make room, or send it elsewhere")
            raise SystemExit(ExitCode.BENCH) from None


def _read_no_further() -> None:
    """What Python still holds for standard output has nobody to go to."""
    import os
    import sys

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str) -> None:
    """A line for people: what a file or a name holds must not steer their terminal. Where nobody
    can be told, the exit code still stands.
    """
    from bench.printable import printable

    with suppress(OSError):
        click.echo(printable(line), err=True)


def _hint(hint: str) -> None:
    if hint:
        _say(f"hint: {hint}")


def _report_bug(error: Exception) -> ExitCode:
    """A bug of ours: where it happened, without values that might be keys."""
    import os
    import traceback

    if os.environ.get("SMETS1_BENCH_DEBUG"):
        raise error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} in {frame.name}"
    _say(f"internal error: {type(error).__name__} at {place}: this is a bug of smets1-bench")
    _hint("run it again with SMETS1_BENCH_DEBUG=1 and report the whole text")
    return ExitCode.BUG


@click.group(
    cls=BenchGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 bench fault, 70 bug, "
    "130 interrupted.",
)
@click.version_option(package_name="smets1-bench", prog_name="smets1-bench")
def main() -> None:
    """Test bench for the commissioning (migration) of SMETS1 smart-metering devices.

    \b
    Examples:
      smets1-bench run                      the default suite on emulated installations
      smets1-bench check trace.jsonl        judge a trace, also one of another system
      smets1-bench rules --group DA         what the papers say, and what they do not
    """
