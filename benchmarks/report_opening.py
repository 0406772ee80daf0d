"""`python -m benchmarks.report_opening [--scenarios N]`: how soon a large report can be read.

The default suite is run on emulated kit again and again, its scenarios under names of their own,
until there are N of them; the report of that run is opened in a headless Chromium, at desk and at
phone width, and the browser's own marks are printed: first contentful paint, DOMContentLoaded, and
a scenario opened by the keyboard until its time line is drawn. Needs the extra `browser` and a
Chromium in PATH.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.report.render import HTML, render
from bench.shipped import find

SUITES: Final = (
    "commissioning",
    "validation",
    "split-supply",
    "failure-rollback",
    "retry",
    "key-rotation",
)
WIDTHS: Final = {"desk": (1280, 900), "phone": (390, 844)}
_MARKS: Final = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint.startTime, page.domContentLoadedEventEnd,
          document.documentElement.scrollWidth - window.innerWidth];
}"""
_OPEN: Final = """async (id) => {
  const began = performance.now(), scenario = document.getElementById(id);
  scenario.open = true;
  while (!scenario.querySelector("svg.timeline")) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def write_suite(folder: Path, scenarios: int) -> Path:
    """A suite of so many scenarios or a few more: those of the default suite, numbered."""
    names: list[str] = []
    written = number = 0
    while written < scenarios:
        number += 1
        for suite in SUITES:
            text = find("suites", suite).read_text(encoding="utf-8")
            text = re.sub(r"(?m)^suite: .*$", f"suite: {suite}-{number}", text)
            text, found = re.subn(r"(?m)^(  - scenario: \S+)", rf"\1-{number}", text)
            (folder / f"{suite}-{number}.yaml").write_text(text, encoding="utf-8")
            names.append(f"{suite}-{number}.yaml")
            written += found
            if written >= scenarios:
                break
    large = folder / "large.yaml"
    includes = "".join(f"  - {name}\n" for name in names)
    large.write_text(f"suite: large\nincludes:\n{includes}", encoding="utf-8")
    return large


def run(suite: Path, station: str, out: Path) -> None:
    """As a user does it, so that everything a run leaves behind is there."""
    words = ["run", str(suite), "--station", station, "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", "from bench.cli import main; main()", *words],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1, 3):  # a scenario that fails is in the report too
        sys.exit(f"the run failed ({done.returncode}):\n{done.stderr}")


def opened(report: Path, rounds: int) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in WIDTHS.items():
            marks = []
            for _ in range(rounds):
                page: Any = browser.new_page(viewport={"width": width, "height": height})
                page.goto(report.as_uri())
                paint, loaded, beyond = page.evaluate(_MARKS)
                marks.append((paint, loaded, page.evaluate(_OPEN, "s-3"), beyond))
                page.close()
            best = [min(column) for column in zip(*marks, strict=True)]
            print(
                f"{name} {width} x {height}: first paint {best[0]:.0f} ms, DOMContentLoaded "
                f"{best[1]:.0f} ms, a scenario opened and drawn {best[2]:.0f} ms, "
                f"{max(mark[3] for mark in marks)} px too wide"
            )
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_opening")
    parser.add_argument("--scenarios", type=int, default=1000)
    parser.add_argument("--station", default="emulated-emu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="the run's folder, taken as it is if it is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        out = asked.keep or folder / "run"
        if not (out / "result.json").exists():
            run(write_suite(folder, asked.scenarios), asked.station, out)
        began = time.process_time()
        render(out)
        took = time.process_time() - began
        size = (out / HTML).stat().st_size / 1e6
        print(f"{platform.machine()}, CPython {platform.python_version()}")
        print(f"rendered from the run's files in {took:.1f} s of CPU: {size:.1f} MB")
        opened(out / HTML, asked.rounds)


if __name__ == "__main__":
    main()
