"""Walks through a page as its reader does: saves its files, types its commands, in one folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import yaml

from tests.docs.page import ROOT, Block
from tests.docs.yaml_blocks import read_block

BIN: Final = Path(sys.executable).parent
_LONGEST: Final = 110
"""Seconds for one command."""


class Walk:
    """One reader in one folder. Terminals that stay open are closed at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._terminals: dict[str, list[subprocess.Popen[str]]] = {}
        (folder / "fixtures").symlink_to(ROOT / "fixtures")

    def do(self, block: Block) -> None:
        said = block.said
        if "given" in said:
            self._give(said["given"])
        elif "ctrl-c" in said:
            self._interrupt(said["ctrl-c"], block.place)
        elif "tested by" in said:
            _is_tested(block, said["tested by"])
        elif "yaml of" in said:
            assert isinstance(yaml.safe_load(block.text), Mapping), block.place
        elif "file" in said:
            path = self.folder / said["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            if block.language == "yaml" and "recipe" not in said:
                read_block(block, path)
            if "recipe" in said:
                self._follow(block)
        elif block.language == "yaml":
            read_block(block, self.folder / "block.yaml")
        elif block.language == "console" and "needs" not in said:
            self._type(block)

    def _type(self, block: Block) -> None:
        typed = tuple(block.commands())
        for command, shown in typed:
            if "stays" in block.said:
                self._start(block.said["stays"], command, block.place)
                continue
            done = self._run(command)
            told = f"{block.place}: {command}\n{done.stdout}{done.stderr}"
            code = int(block.said.get("exits", 0)) if command is typed[-1][0] else 0
            assert done.returncode == code, f"{done.returncode}, not {code}, from {told}"
            missing = first_not_shown(shown, (done.stdout + done.stderr).splitlines())
            assert missing is None, f"not printed: {missing!r} by {told}"

    def _follow(self, block: Block) -> None:
        """The commands of a CI recipe, but those that install."""
        commands = [
            line.strip()
            for text in texts_under(yaml.safe_load(block.text), ("run", "script"))
            for line in text.replace("\\\n", " ").splitlines()
        ]
        ours = [each for each in commands if each.startswith(("smets1-bench", "pytest"))]
        assert ours, f"{block.place}: a recipe that runs nothing"
        for command in ours:
            done = self._run(command)
            assert done.returncode == 0, f"{block.place}: {command}\n{done.stdout}{done.stderr}"

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            stdin=subprocess.DEVNULL,
        )

    def _start(self, name: str, command: str, place: str) -> None:
        """Until it prints its first line: by then others can talk to it."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=_environment(self.folder),
            stdout=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=_heeds_ctrl_c,
        )
        self._terminals.setdefault(name, []).append(process)
        assert process.stdout is not None
        assert process.stdout.readline(), f"{place}: {command}: ended with {process.wait()}"

    def _interrupt(self, name: str, place: str) -> None:
        for process in self._terminals.pop(name):
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=_LONGEST)
            finally:
                process.kill()
            assert not place or process.returncode == 0, f"{place}: ended: {process.returncode}"

    def _give(self, what: str) -> None:
        given, _, name = what.partition(" as ")
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / given, path)

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Interrupts what a page left open; where the page went well it too must end well."""
        with ExitStack() as stack:
            for name in tuple(self._terminals):
                stack.callback(self._interrupt, name, "" if kind else "at the page's end")


def _heeds_ctrl_c() -> None:
    """Also where the tests themselves run in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def first_not_shown(shown: Iterable[str], printed: Iterable[str]) -> str | None:
    """The first line of the page that the command did not print, in order.

    `…` stands for anything, within a line or as lines of its own.
    """
    left = iter([line.rstrip() for line in printed])
    for line in shown:
        if line.strip() in ("", "…"):
            continue
        form = re.compile(".*".join(map(re.escape, line.rstrip().split("…"))))
        if not any(form.fullmatch(each) for each in left):
            return line
    return None


def texts_under(data: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Every text that stands, alone or in a list, under one of the keys, however deep."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key in keys:
                yield from [value] if isinstance(value, str) else value
            else:
                yield from texts_under(value, keys)
    elif isinstance(data, list):
        for each in data:
            yield from texts_under(each, keys)


def _is_tested(block: Block, test: str) -> None:
    path = ROOT / test
    named = Path(block.page).name in path.read_text(encoding="utf-8")
    assert named, f"{block.place}: {test} does not name the page"


def _environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_ADDOPTS")}
    kept.pop("PYTEST_XDIST_WORKER", None)
    return {**kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100",
            "HOME": str(folder)}  # fmt: skip
