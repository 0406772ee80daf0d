"""What is around a command: outputs that take no more, closed terminals, odd names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import COMMANDS, CUT_OFF, main
from bench.cli.signals import cancelled_by_signals
from bench.errors import ExitCode

COMMAND = str(Path(sys.executable).with_name("smets1-bench"))


@pytest.mark.parametrize("words", [("list",), ("--help",)], ids=" ".join)
def test_an_output_that_is_full_is_the_benchs_fault(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == ExitCode.BENCH
    assert done.stderr.splitlines() == [
        "error: cannot write the output: No space left on device",
        "hint: make room, or send it elsewhere",
    ]


def test_the_exit_code_stands_where_nobody_can_be_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([COMMAND, "identify", "nowhere"], stderr=full, check=False)
    assert done.returncode == ExitCode.USAGE


def test_a_reader_that_went_away_is_no_failed_rule() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [COMMAND, "list"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (CUT_OFF, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_or_a_closed_terminal_ends_in_order(number: signal.Signals) -> None:
    with cancelled_by_signals() as cancellation:
        signal.raise_signal(number)
    assert cancellation.reason == number.name


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cancelled_by_signals() as cancellation:
            signal.raise_signal(signal.SIGHUP)
        assert cancellation.reason is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for words, text in (
        (("resume", str(loop)), "there is no such folder"),
        (("identify", "hwgrep://("), "expected a regular expression"),
    ):
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, text in done.output) == (ExitCode.USAGE, True), done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_imports_no_library_that_it_needs_later(command: str) -> None:
    code = (
        "import sys\n"
        "from bench.cli import main\n"
        f"main([{command!r}, '--help'], standalone_mode=False)\n"
        "print([m for m in ('jinja2', 'pydantic', 'rich', 'serial', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
