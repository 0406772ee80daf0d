"""The pages in a real headless browser, at desk and phone width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.live.page_operator import ANSWER
from bench.order import Order
from bench.report.render import render
from bench.runner import run_suite
from bench.shipped import find
from tests.serving.browser import browser
from tests.serving.served import LiveRun, serving

DESK, PHONE = 1180, 390


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


def page_at(chromium: Any, width: int, scheme: str = "light") -> Any:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=False
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.complaints = []
    page.on(
        "console", lambda said: page.complaints.append(said.text) if said.type == "error" else None
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_live_run_grows_before_the_eyes(
    tmp_path: Path, chromium: Any, width: int, scheme: str
) -> None:
    live = LiveRun(tmp_path / "runs" / "monday")
    with serving(tmp_path / "runs") as server:
        page = page_at(chromium, width, scheme)
        page.goto(server.address)
        assert "token" not in page.url
        page.get_by_role("link", name=re.compile("monday")).click()
        page.wait_for_selector("#drawing svg.timeline")
        assert fits(page)
        live.fails(1)
        page.get_by_text("attempt 1 failed · electricity · X-9").first.wait_for()
        page.get_by_text("in 30 min, at").wait_for()
        for number in range(2, 600):
            live.fails(number)
        page.get_by_text("attempt 599 failed").first.wait_for()
        assert page.locator("#events li").count() <= 500
        assert fits(page)
        assert page.locator("#abort").count() == 0, "read-only"
        assert page.get_by_text("EMULATED").first.is_visible()
        dark = (
            page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        )
        assert dark is (scheme == "dark")
        assert page.complaints == []


def test_a_question_is_answered_and_a_run_stopped_from_the_page(
    tmp_path: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveRun(tmp_path / "runs" / "monday")
    stopped: list[str] = []
    monkeypatch.setattr("bench.serving.server.stop", stopped.append)
    with serving(tmp_path / "runs", control=True) as server:
        page = page_at(chromium, PHONE)
        page.goto(server.address)
        page.get_by_role("link", name=re.compile("monday")).click()
        live.board.asks("Is the display lit?", ("yes", "no"), 0)
        page.get_by_text("Is the display lit?").wait_for()
        page.get_by_label("Who answers").fill("Ada")
        page.get_by_role("button", name="no", exact=True).click()
        page.get_by_text("Answered: no").wait_for()
        assert '"by": "Ada"' in (live.folder / ANSWER).read_text()
        live.board.asked()
        page.get_by_role("button", name="Stop the run…").click()
        page.get_by_role("button", name="Let it run").click()
        assert stopped == []
        page.get_by_role("button", name="Stop the run…").press("Enter")
        page.get_by_role("button", name="Stop it").click()
        page.get_by_text("the run was asked to stop").wait_for()
        assert stopped == [live.board.status.process]
        assert fits(page)
        assert page.complaints == []


def test_a_finished_run_leads_to_its_report(tmp_path: Path, chromium: Any) -> None:
    folder = tmp_path / "runs" / "tuesday"
    run_suite(Order(find("suites", "default"), "default", 1, ("da-commissioned",)), folder)
    render(folder)
    with serving(tmp_path / "runs") as server:
        page = page_at(chromium, DESK)
        page.goto(server.address)
        page.get_by_role("link", name=re.compile("tuesday")).click()
        page.get_by_role("link", name=re.compile("da-commissioned")).click()
        page.wait_for_url("**/report.html#s-1")
        page.wait_for_selector("details.scenario[open]")
        assert fits(page)
        assert page.complaints == []


def test_a_server_that_is_gone_is_said(tmp_path: Path, chromium: Any) -> None:
    LiveRun(tmp_path / "runs" / "monday")
    with serving(tmp_path / "runs") as server:
        page = page_at(chromium, DESK)
        page.goto(server.address)
        page.get_by_role("link", name=re.compile("monday")).click()
        page.wait_for_selector("#drawing svg.timeline")
    page.get_by_text("The server does not answer").wait_for()
