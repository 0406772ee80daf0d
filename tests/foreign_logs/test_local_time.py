"""Times of foreign logs as UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.foreign_logs.local_time import time_problems, time_reader
from bench.foreign_logs.log_map import Choice, TimeForm
from bench.units import format_instant

UK = "%d/%m/%Y %H:%M:%S"


def london(twice: Choice = Choice.REFUSE) -> TimeForm:
    return TimeForm(UK, "Europe/London", twice)


@pytest.mark.parametrize(
    ("form", "text", "utc"),
    [
        (TimeForm(), "2021-05-04T09:00:00Z", "2021-05-04T09:00:00Z"),
        (TimeForm(), "2021-05-04 10:00:00.25+01:00", "2021-05-04T09:00:00.25Z"),
        (TimeForm(zone="Europe/London"), "2021-05-04T10:00:00", "2021-05-04T09:00:00Z"),
        (TimeForm(zone="Europe/London"), "2021-05-04T10:00:00Z", "2021-05-04T10:00:00Z"),
        (TimeForm("epoch-seconds"), "1620118800", "2021-05-04T09:00:00Z"),
        (TimeForm("epoch-seconds"), "1620118800.5", "2021-05-04T09:00:00.5Z"),
        (TimeForm("epoch-seconds"), "-0.25", "1969-12-31T23:59:59.75Z"),
        (TimeForm("epoch-milliseconds"), "1620118800001", "2021-05-04T09:00:00.001Z"),
        (TimeForm("%Y%m%d%H%M%S%z"), "20210504110000+0200", "2021-05-04T09:00:00Z"),
        (london(), "04/05/2021 10:00:00", "2021-05-04T09:00:00Z"),
        (london(), "04/01/2021 10:00:00", "2021-01-04T10:00:00Z"),
        (london(Choice.EARLIER), "31/10/2021 01:30:00", "2021-10-31T00:30:00Z"),
        (london(Choice.LATER), "31/10/2021 01:30:00", "2021-10-31T01:30:00Z"),
        (london(), "31/10/2021 00:59:59", "2021-10-30T23:59:59Z"),
        (london(), "31/10/2021 02:00:00", "2021-10-31T02:00:00Z"),
    ],
)
def test_as_utc(form: TimeForm, text: str, utc: str) -> None:
    assert list(time_problems(form)) == []
    assert format_instant(time_reader(form)(text)) == utc


@pytest.mark.parametrize(
    ("form", "text", "says"),
    [
        (london(), "31/10/2021 01:30:00", "had twice (UTC+01:00 or UTC)"),
        (london(), "28/03/2021 01:30:00", "never had"),
        (london(Choice.LATER), "28/03/2021 01:30:00", "never had"),
        (london(), "05/13/2021 01:30:00", f"expected a time as {UK}"),
        (TimeForm(), "2021-05-04T09:00:00", "with its offset"),
        (TimeForm(), "2021-05-04", "iso"),
        (TimeForm("epoch-seconds"), "1e9", "expected a number"),
        (TimeForm("epoch-seconds"), "١", "expected a number"),
        (TimeForm(), "0001-01-01T00:00:00+14:00", "years 1 to 9999"),
    ],
)
def test_no_time(form: TimeForm, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        time_reader(form)(text)
    assert says in str(caught.value)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2036, 1, 1)), st.sampled_from(Choice))
def test_what_a_clock_shows_is_read_back(moment: datetime, choice: Choice) -> None:
    """Any moment, as a wall clock shows it, is that moment or the other of the two."""
    zone = ZoneInfo("Europe/London")
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    shown = moment.astimezone(zone)
    read = time_reader(TimeForm(UK, "Europe/London", choice))
    try:
        found = datetime.fromtimestamp(read(shown.strftime(UK)) / 1e6, UTC)
    except ValueError:
        assert choice is Choice.REFUSE
        assert shown.replace(fold=0).utcoffset() != shown.replace(fold=1).utcoffset()
        return
    assert found.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None)
    if choice is Choice.REFUSE or shown.fold == (choice is Choice.LATER):
        assert found == moment
