"""An installation of a campaign, run alone as a suite: the same events, to the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.campaign.form_text import form_text
from bench.campaign.mix import Span
from bench.campaign.one_alone import play_one, write_suite
from bench.file_model import read
from bench.scenario.run import run_scenario
from bench.suite_reading import read_suite
from bench.units import DAY, HOUR, MILLISECOND, SECOND
from bench.yaml_source import loads
from tests.campaign.orders import national, order_of

ORDER = order_of(1, seed=3)


def _numbers() -> dict[str, int]:
    """For each condition of the mix the first installation for which it holds."""
    from bench.campaign.drawing import Drawing

    mix = national()
    drawing = Drawing(mix.mix, mix.installations, ORDER.seed)
    wanted = {condition.condition for condition in mix.mix.conditions}
    found: dict[str, int] = {}
    number = 0
    while wanted - set(found):
        for condition in drawing.draw(number).conditions:
            found.setdefault(condition, number)
        number += 1
    return found


@pytest.mark.parametrize(("condition", "number"), _numbers().items())
def test_the_events_are_those_of_a_run(condition: str, number: int, tmp_path: Path) -> None:
    one = play_one(ORDER, number)
    assert condition in one.drawn.conditions
    _, (prepared,) = read_suite(write_suite(ORDER, number, tmp_path))
    ran = run_scenario(prepared, ORDER.seed)
    assert tuple(ran.events) == one.events
    assert ran.migration is not None
    assert ran.migration.outcome == one.played.outcome
    assert ran.after is not None
    assert ran.after.devices["hub"].wake_ups == one.played.wake_ups


@pytest.mark.parametrize("number", range(12))
def test_so_are_those_of_installations_without_any_condition(number: int, tmp_path: Path) -> None:
    one = play_one(ORDER, number)
    _, (prepared,) = read_suite(write_suite(ORDER, number, tmp_path))
    assert tuple(run_scenario(prepared, ORDER.seed).events) == one.events


@pytest.mark.parametrize(
    "span",
    [0, 1500 * MILLISECOND, 10_000 * DAY, 9_999_999 * DAY, 999_999_999 * HOUR, 999_999_999 * DAY],
)
def test_a_span_is_read_back_however_long_it_is(span: int) -> None:
    wanted = Span(span, span + SECOND if span < DAY else span)
    assert read(loads(form_text(wanted), "span.yaml"), Span) == wanted
