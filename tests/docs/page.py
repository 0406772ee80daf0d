"""A page of the documents as what is to be done with it, from top to bottom.

Comments in the Markdown, which no reader sees, say what a block is for; each stands on a line of
its own before its block:

| comment | means |
|---|---|
| `<!-- file: NAME -->` | the block is what the reader saves under that name |
| `<!-- given: FILE as NAME -->` | the reader has this; FILE is one of the checkout |
| `<!-- exits: 1 -->` | the block's last command ends with that code; all others with 0 |
| `<!-- stays: NAME -->` | the commands go on in terminals of their own |
| `<!-- ctrl-c: NAME -->` | those are interrupted, and must end with 0 |
| `<!-- needs: REASON -->` | cannot be run here; its commands and options must exist all the same |
| `<!-- tested by: FILE -->` | another test runs the block |
| `<!-- part of: KIND -->` | the YAML stands inside a file of that kind |
| `<!-- yaml of: PROGRAM -->` | YAML of another program; it must be YAML |
| `<!-- recipe -->` | YAML of a CI server; its `smets1-bench` commands are run |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DIRECTIVES: Final = {
    "file", "given", "exits", "stays", "ctrl-c", "needs",
    "tested by", "part of", "yaml of", "recipe",
}  # fmt: skip
_ALONE: Final = {"given", "ctrl-c"}
_COMMENT: Final = re.compile(r"<!-- ([a-z -]+?)(?:: (.*?))? -->$")
_FENCE: Final = re.compile(r"```(\w*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """`line`: where its fence stands. `said`: the comments before it, or the comment alone."""

    page: str
    line: int
    language: str
    text: str
    said: Mapping[str, str]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command, its continued lines joined, with the output that the page shows of it."""
        command, output = "", list[str]()
        lines = iter(self.text.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                output.append(line)
                continue
            if command:
                yield command, output
            command, output = line.removeprefix("$ "), []
            while command.endswith("\\"):
                command = command.removesuffix("\\") + next(lines).removeprefix("> ")
        if command:
            yield command, output


def read_page(path: Path) -> tuple[Block, ...]:
    """Raises AssertionError where a comment looks like one of the above and is none."""
    return tuple(_blocks(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))


def _blocks(page: str, text: str) -> Iterator[Block]:
    said: dict[str, str] = {}
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if comment := _COMMENT.match(line):
            assert comment[1] in DIRECTIVES, f"{page}:{number}: unknown comment: {line}"
            if comment[1] in _ALONE:
                yield Block(page, number, "", "", {comment[1]: comment[2]})
            else:
                said[comment[1]] = comment[2] or ""
        elif fence := _FENCE.match(line.strip()):
            indent = len(line) - len(line.lstrip())
            held = []
            for _, inner in lines:
                if inner.strip() == "```":
                    break
                held.append(inner[indent:] + "\n")
            yield Block(page, number, fence[1], "".join(held), said)
            said = {}
        elif line.strip():
            assert not said, f"{page}:{number}: a comment stands before its block"
