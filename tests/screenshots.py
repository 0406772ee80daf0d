"""`make screenshots`: pictures of terminal, live page and report, taken in a headless Chromium.

Needs a Chromium in PATH (Debian: chromium) and Playwright (extra `browser`).
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from bench.live.terminal import drawn
from bench.order import Order
from bench.report.render import render
from bench.report.text import Terminal, report_text
from bench.result import read_result
from bench.runner import run_suite
from bench.shipped import find
from bench.trace import Account, Key, Step
from bench.units import MINUTE, SECOND
from tests.serving.served import LiveRun, T, serving

IMAGES = Path(__file__).parent.parent / "docs" / "images"
DESK, PHONE = 1180, 390
REPORTS = {
    "report.png": ("default", 1150, ""),
    "timeline.png": ("da-wan-lost-after-the-switch", 2350, "#s-1"),
}


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("needs chromium (Debian) and playwright (extra `browser`)", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in (*_reports(browser, Path(folder)), *_live(browser, Path(folder))):
            print(path)
        browser.close()
    return 0


def _reports(browser: Any, folder: Path) -> Iterator[Path]:
    for name, (what, height, anchor) in REPORTS.items():
        run = folder / name
        only = () if what == "default" else (what,)
        run_suite(Order(find("suites", "default"), "default", 1, only), run)
        render(run)
        page = browser.new_page(viewport={"width": DESK, "height": height})
        page.goto((run / "report.html").resolve().as_uri() + anchor)
        page.screenshot(path=IMAGES / name)
        page.close()
        yield IMAGES / name
        if what == "default":
            text = report_text(read_result(run), Terminal(100, colour=True))
            yield _terminal("terminal.svg", "smets1-bench run", Text.from_ansi(text))


def _live(browser: Any, folder: Path) -> Iterator[Path]:
    live = LiveRun(folder / "runs" / "2026-11-20T081502Z")
    _play(live)
    picture = drawn(live.board.status, live.board.status.now + 4 * MINUTE)
    yield _terminal("live-terminal.svg", "smets1-bench run retry --station bench-3.yaml", picture)
    with serving(folder / "runs", control=True) as server:
        for name, width in (("live.png", DESK), ("live-phone.png", PHONE)):
            page = browser.new_page(viewport={"width": width, "height": 1000})
            page.goto(server.address)
            page.get_by_role("link").first.click()
            page.wait_for_selector("#drawing svg")
            page.wait_for_selector("#events li")
            page.screenshot(path=IMAGES / name, full_page=True)
            page.close()
            yield IMAGES / name


def _play(live: LiveRun) -> None:
    at = {"installation": "I-1"}
    for minute, event in enumerate(
        (
            Step(at=T, section="2.5.1.1", outcome="passed", **at),
            Account(at=T, holder="DCC", **at),
            Key(at=T, key="SUA", state="new", proof="proven", device="electricity", **at),
        )
    ):
        live.adds(_at(event, T + minute * MINUTE))
    for number in range(1, 4):
        live.fails(number)


def _at(event: Any, at: int) -> Any:
    from dataclasses import replace

    return replace(event, at=at - at % SECOND)


def _terminal(name: str, title: str, what: RenderableType) -> Path:
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    console.print(what)
    console.save_svg(str(IMAGES / name), title=title)
    return IMAGES / name


if __name__ == "__main__":
    sys.exit(main())
