"""Every command and every YAML block of README and docs is run, read, or said why it cannot be.

What the comments in the pages mean: tests/docs/page.py. A page is walked through in one folder; the
tutorial's pages are one walk.
"""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from tests.docs.command_lines import parses
from tests.docs.page import ROOT, Block, read_page
from tests.docs.walking import Walk, first_not_shown

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
TUTORIAL = [page for page in PAGES if page.parent.name == "tutorial"]
WALKS = {str(page.relative_to(ROOT)): [page] for page in PAGES if page not in TUTORIAL}
WALKS["docs/tutorial"] = TUTORIAL
_COMMAND = re.compile(r"`(smets1-bench [a-z][^`]*)`")
_MAKE = re.compile(r"`?make ([a-z]+)")


def blocks_of(pages: list[Path]) -> list[Block]:
    return list(chain.from_iterable(map(read_page, pages)))


def is_walked(block: Block) -> bool:
    return bool(block.said) or block.language in ("console", "yaml")


NEEDY = [block for block in blocks_of(PAGES) if "needs" in block.said]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [name for name, pages in WALKS.items() if any(map(is_walked, blocks_of(pages)))]
)
def test_a_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        for block in blocks_of(WALKS[name]):
            walk.do(block)


@pytest.mark.parametrize("block", NEEDY, ids=[block.place for block in NEEDY])
def test_what_cannot_be_run_here_is_there_all_the_same(block: Block) -> None:
    lines = [command for command, _ in block.commands() if command.startswith("smets1-bench")]
    for line in lines:
        parses(line)
    pytest.skip(f"its commands and options exist; to run it needs {block.said['needs']}")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_commands_in_sentences_exist(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split())
    for line in _COMMAND.findall(text):
        parses(line)
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)`", text):
        assert f"\n{target}:" in made, target


def test_the_readme_names_the_two_commands_of_a_fresh_machine() -> None:
    typed = [command for block in read_page(ROOT / "README.md") for command, _ in block.commands()]
    assert {"make run", "make test"} <= {command.partition("#")[0].strip() for command in typed}


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_every_page_is_found_from_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        name = str(page.relative_to(DOCS))
        assert name == "README.md" or f"]({name})" in index, f"docs/README.md does not name {name}"


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["one", "…", "three"], None),
        (["o…e", "tw…"], None),
        (["two", "one"], "one"),
        (["four"], "four"),
        (["on"], "on"),
    ],
)
def test_output_that_a_page_shows_must_be_printed_in_order(
    shown: list[str], missing: str | None
) -> None:
    assert first_not_shown(shown, ["one", "two", "three"]) == missing
