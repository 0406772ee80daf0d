"""Which version is picked by name and by date, and where a date is refused."""

from __future__ import annotations

from datetime import date

import pytest

from bench.errors import UsageError
from bench.mehrs.versions import as_of, choose, versions

UNKNOWN = None

# day, MEHRS, MAM; None: not known for certain
DAYS = [
    ("2019-07-28", UNKNOWN, UNKNOWN),
    ("2020-06-02", UNKNOWN, UNKNOWN),
    ("2020-06-03", "2.0", UNKNOWN),
    ("2020-06-05", "2.0", UNKNOWN),
    ("2020-07-02", "2.0", UNKNOWN),
    ("2020-07-03", UNKNOWN, UNKNOWN),
    ("2020-12-01", UNKNOWN, UNKNOWN),
    ("2021-02-17", UNKNOWN, UNKNOWN),
    ("2021-02-18", UNKNOWN, "3.0"),
    ("2021-03-11", UNKNOWN, "3.0"),
    ("2021-04-07", UNKNOWN, "3.0"),
    ("2021-04-08", "5.0", "3.0"),
    ("2021-04-22", "5.0", "3.0"),
    ("2021-04-23", "5.0", "4.0"),
    ("2021-07-01", "5.0", "4.0"),
    ("2021-07-02", "5.0", UNKNOWN),
    ("2021-10-11", "5.0", UNKNOWN),
    ("2021-10-12", UNKNOWN, UNKNOWN),
    ("2026-01-01", UNKNOWN, UNKNOWN),
]


@pytest.mark.parametrize(("day", "mehrs", "mam"), DAYS)
def test_the_versions_in_force_on_a_day(day: str, mehrs: str | None, mam: str | None) -> None:
    at = date.fromisoformat(day)
    if mehrs and mam:
        assert as_of(at) == (mehrs, mam)
    else:
        with pytest.raises(UsageError) as caught:
            as_of(at)
        told = [str(problem) for problem in caught.value.problems]
        unknown = [kind for kind, name in (("MEHRS", mehrs), ("MAM", mam)) if name is None]
        assert len(told) == len(unknown)
        for line, kind in zip(told, unknown, strict=True):
            assert line.startswith(
                f"as of {day}: which {kind} was in force is not known for certai"
            )
        assert "--mam" in caught.value.hint
        assert ("--mehrs" in caught.value.hint) == (mehrs is None)
    if mehrs:
        assert as_of(at, mam="4.0") == (mehrs, "4.0")
    else:
        with pytest.raises(UsageError, match="which MEHRS was in force"):
            as_of(at, mam="4.0")


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2020-01-01", "MEHRS 2.0, the earliest version held here, was concluded on 2020-06-03"),
        ("2020-09-01", "until 2020-07-02; later versions (3.0, 4.0) followed that are not held"),
        ("2021-12-01", "until 2021-10-11; a revision took effect on 2021-10-12"),
        ("2021-01-01", "MAM 3.0, the earliest version held here, took effect on 2021-02-18"),
        ("2021-08-01", "MAM 4.0 was certainly in force until 2021-07-01; a later MAM may have"),
    ],
)
def test_a_refusal_says_why(day: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_of(date.fromisoformat(day))
    assert reason in str(caught.value)


def test_versions_held() -> None:
    assert versions() == versions("MEHRS") == ("2.0", "2.1-draft", "5.0-draft", "5.0")
    assert versions("MAM") == ("3.0", "4.0")


def test_what_the_options_choose() -> None:
    day = date(2021, 4, 8)
    assert choose() == ("5.0", "4.0")
    assert choose("2.0") == ("2.0", "4.0")
    assert choose("2.0", None, "3.0") == ("2.0", "3.0")
    assert choose(None, day) == ("5.0", "3.0")
    assert choose(None, day, "4.0") == ("5.0", "4.0")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("2.0", date(2021, 4, 8)), "expected --mehrs or --as-of, got both"),
        (("5.0-drft",), "got '5.0-drft'; did you mean '5.0-draft'?"),
        (("3.0",), "expected a version of the MEHRS held here (2.0, 2.1-draft, 5.0-draft, 5.0)"),
        ((None, None, "5.0"), "expected a version of the MAM held here (3.0, 4.0), got '5.0'"),
        ((None, date(2021, 4, 8), "5.0"), "expected a version of the MAM held here"),
    ],
)
def test_what_the_options_refuse(
    arguments: tuple[str | None, date | None, str | None], complaint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose(*arguments)
    assert complaint in str(caught.value)
