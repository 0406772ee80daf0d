"""A real browser for the tests: Playwright's client on the system's Chromium, if both are there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WANTED = (
    "needs a browser: pip install playwright (extra `browser`) and a Chromium in PATH "
    "(Debian: apt-get install chromium)"
)


@contextmanager
def browser() -> Iterator[Any]:
    """Skips the test where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip(WANTED)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip(WANTED)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
