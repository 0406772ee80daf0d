"""A large report in a real browser: how much of it is drawn, keyboard, names for screen readers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.report.exchanges import read_exchanges
from bench.report.html import EAGER, report_html
from bench.report.trace_lines import read_lines
from bench.result import read_result
from tests.serving.browser import browser

SAMPLE = Path(__file__).parent / "sample"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


def written(folder: Path, many: int) -> Path:
    """A report of so many scenarios: the sample's again and again, one line of its hub captured."""
    record = read_result(SAMPLE)
    trace = read_lines(SAMPLE, record)
    (folder / "captures").mkdir()
    at = "2021-06-07T08:09:00Z"
    lines: list[dict[str, Any]] = []
    for scenario in record.scenarios:
        lines.append({"at": at, "port": "hub", "event": "scenario", "detail": scenario.name})
        said = f"state of {scenario.name} {'x' * 90}\r\n".encode().hex()
        lines.append({"at": at, "port": "hub", "dir": "in", "data": [said]})
    capture = folder / "captures" / "hub.jsonl"
    capture.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")
    passed = read_exchanges(folder, record, trace)
    some = record.scenarios[:4]
    numbered = [replace(some[n % len(some)], name=f"scenario-{n}") for n in range(many)]
    shown = {f"scenario-{n}": passed[some[n % len(some)].name] for n in range(many)}
    file = folder / "report.html"
    large = replace(record, scenarios=tuple(numbered))
    file.write_text(report_html(large, trace, None, shown), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Just large enough for its drawings to wait."""
    return written(tmp_path_factory.mktemp("report"), EAGER + 1)


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Any, page_file: Path) -> Iterator[Any]:
    context = chromium.new_context(color_scheme=getattr(request, "param", "light"))
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri())
    yield page
    context.close()
    assert problems == []


def test_a_thousand_scenarios_draw_only_what_is_opened_and_are_not_too_wide(
    chromium: Any, tmp_path: Path
) -> None:
    page = chromium.new_page()
    page.goto(written(tmp_path, 1000).as_uri())
    assert page.locator("details.scenario").count() == 1000
    assert page.locator("svg.timeline").count() == 0
    page.evaluate("document.querySelectorAll('#s-3, details.matrix').forEach(d => d.open = true)")
    page.wait_for_selector("#s-3 svg.timeline", state="attached")
    page.evaluate("document.querySelectorAll('#s-3 details').forEach(d => d.open = true)")
    assert page.locator("svg.timeline").count() in (1, 2)  # to scale, and cut short
    assert page.locator("#s-3 table.exchange").is_visible()
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.close()


def test_by_the_keyboard_alone(page: Any) -> None:
    """From the top to a scenario, open it, read what passed, close it: Tab, Enter, Space."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the scenarios"
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#s-1 > summary')"):
            break
    summary = page.locator("#s-1 > summary")
    assert page.evaluate("document.activeElement.matches('#s-1 > summary')")
    assert summary.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#s-1[open] svg.timeline")
    region = page.locator("#s-1 [role=region]").first
    for _ in range(10):
        page.keyboard.press("Tab")
        if region.evaluate("e => e === document.activeElement"):
            break
    assert region.evaluate("e => e === document.activeElement")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details.passed > summary')"):
            break
    page.keyboard.press("Space")
    assert page.locator("#s-1 table.exchange").is_visible()
    summary.focus()
    page.keyboard.press("Space")
    assert page.locator("#s-1[open]").count() == 0


def test_what_a_screen_reader_is_told(page: Any) -> None:
    page.evaluate("document.getElementById('s-3').open = true")
    page.wait_for_selector("#s-3 svg.timeline")
    top = page.locator("header.page").aria_snapshot()
    assert re.search(r"heading \"(✗ |! )?(fail|bench-error)\" \[level=1\]", top), top
    assert 'navigation "Parts of the report"' in top
    form = page.locator("form.filter").aria_snapshot()
    for named in (
        'searchbox "Find"',
        'combobox "Group"',
        'group "Verdicts shown"',
        'checkbox "fail" [checked]',
        'button "Open or close all shown"',
    ):
        assert named in form, form
    scenario = page.locator("#s-3").aria_snapshot()
    for named in (
        'heading "Other than expected"',
        'region "Time line of scenario-2, to scale"',
        'table "Up to attempt 1 of 3.4.1 (submit) failed',
        'columnheader "message"',
        "from it",
    ):
        assert named in scenario, scenario
    unnamed = page.evaluate(
        """() => Array.from(document.querySelectorAll("a, button, input, select, summary, svg"))
          .filter(e => !e.closest("[aria-hidden=true]") && !e.getAttribute("aria-hidden"))
          .filter(e => !(e.textContent.trim() || e.labels?.length || e.ariaLabel))
          .map(e => e.outerHTML.slice(0, 99))"""
    )
    assert unnamed == []


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_verdicts_and_marks_can_be_read(page: Any) -> None:
    """Contrast of text by WCAG 2, in either scheme; 4.5 to 1 is its level AA."""
    page.evaluate("document.getElementById('s-3').open = true")
    page.wait_for_selector("#s-3 svg.timeline")
    low = page.evaluate(
        r"""() => {
      const light = (c) => { const p = c.match(/[\d.]+/g).slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]; };
      const behind = (e) => { for (let at = e; at; at = at.parentElement) {
        const c = getComputedStyle(at).backgroundColor;
        if (!/, 0\)$/.test(c)) return c; } return "rgb(255,255,255)"; };
      return Array.from(document.querySelectorAll("header *, #s-3 *, .certificate *, footer"))
        .filter((e) => !(e instanceof SVGElement) && e.textContent.trim() && e.offsetWidth > 1)
        .map((e) => { const a = light(getComputedStyle(e).color), b = light(behind(e));
          return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className || e.tagName]; })
        .filter(([ratio]) => ratio < 4.5);
    }"""
    )
    assert low == []


def test_a_link_in_the_matrix_opens_the_scenario(page: Any) -> None:
    page.evaluate("document.querySelector('details.matrix').open = true")
    link = page.locator("table.matrix a").first
    wanted = link.get_attribute("href")
    link.click()
    page.wait_for_selector(f"{wanted}[open] svg.timeline")


def test_print_opens_what_did_not_pass(page: Any, page_file: Path) -> None:
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    wanted = page.locator("details.scenario:not([data-verdict=pass])").count()
    assert page.locator("details.scenario[open]").count() == wanted > 0
    assert page.locator("details.matrix:not([open])").count() == 0
    assert not page.locator("form.filter").is_visible()
    assert page.locator("p.running").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.scenario[open]").count() == 0
