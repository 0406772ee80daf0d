"""`make screenshots`: pictures of the report, taken in a headless Chromium (Debian: chromium)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report.render import render
from bench.runner import Order, run_suite
from bench.shipped import find

IMAGES = Path(__file__).parent.parent / "docs" / "images"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
SHOTS = {
    "report.png": ("default", "1180,1150", ""),
    "timeline.png": ("da-wan-lost-after-the-switch", "1180,2350", "#s-1"),
}


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("chromium is not installed: on Debian, apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    for name, (what, size, anchor) in SHOTS.items():
        with tempfile.TemporaryDirectory() as folder:
            only = () if what == "default" else (what,)
            run_suite(Order(find("suites", "default"), "default", 1, only), Path(folder))
            render(Path(folder))
            page = (Path(folder) / "report.html").resolve().as_uri() + anchor
            target = f"--screenshot={IMAGES / name}"
            words = [chromium, *FLAGS, f"--user-data-dir={folder}/profile", target]
            subprocess.run(
                [*words, f"--window-size={size}", page],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        print(IMAGES / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
