"""What a certificate may say, from what scenarios showed."""

from __future__ import annotations

from typing import Any

import pytest

from bench.certificate import certify, rule_status, worst_verdict
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Status
from bench.result import Certificate, ScenarioRecord, StrategyRecord
from bench.shipped import find

STRATEGY = load_strategy("5.0", "4.0")
PASSED, FAILED, INCONCLUSIVE = (
    {"passed": 1, "failed": 0, "inconclusive": 0},
    {"passed": 0, "failed": 1, "inconclusive": 0},
    {"passed": 0, "failed": 0, "inconclusive": 1},
)


def record(name: str, group: str, **rest: Any) -> ScenarioRecord:
    return ScenarioRecord(
        **{
            "name": name,
            "suite": "test",
            "about": "",
            "covers": (),
            "group": group,
            "strategy": StrategyRecord("5.0", "4.0", None, {}),
            "verdict": "pass",
            "mismatches": (),
            "deviant": "",
            "outcome": "commissioned",
            "passages": 1,
            "gave_up": False,
            "started": "",
            "ended": "",
            "first_line": 1,
            "last_line": 2,
            "rules": {},
            "findings": (),
            "devices": (),
            "account": "DCC",
            "keys": {},
            "wake_ups": 0,
            "faults": (),
            "replay": "",
            **rest,
        }
    )


ALL_PASSED = {
    group: {rule.id: PASSED for rule in STRATEGY.rules_for(group)}  # type: ignore[arg-type]
    for group in ("IOC", "MDS", "DA", "EA")
}
EVERYTHING = [record(f"all-{group}", group, rules=rules) for group, rules in ALL_PASSED.items()]


def verdict_of(certificate: Certificate, rule: str) -> str:
    (found,) = [each for each in certificate.rules if each.rule == rule]
    return found.verdict


def test_everything_passed() -> None:
    certificate = certify(STRATEGY, EVERYTHING)
    assert certificate.verdict == "pass"
    assert {rule.verdict for rule in certificate.rules} == {"passed"}
    assert [rule.rule for rule in certificate.rules] == list(STRATEGY.rules)


CASES: list[tuple[str, ScenarioRecord, str, str, str]] = [
    ("failed", record("x", "DA", rules={"2.5.4-no-mgf": FAILED}), "2.5.4-no-mgf", "failed", "fail"),
    (
        "inconclusive",
        record("x", "DA", rules={"3.3-sua-retry": INCONCLUSIVE}),
        "3.3-sua-retry",
        "inconclusive",
        "inconclusive",
    ),
    (
        "a deviant says nothing of the installation",
        record("x", "DA", rules={"2.5.4-no-mgf": FAILED}, deviant="on purpose"),
        "2.5.4-no-mgf",
        "passed",
        "pass",
    ),
    ("not run", record("x", "DA", not_run="stopped"), "2.5.4-no-mgf", "passed", "inconclusive"),
    (
        "the bench failed",
        record("x", "DA", verdict="bench-error", rules={"2.5.4-no-mgf": FAILED}),
        "2.5.4-no-mgf",
        "passed",
        "inconclusive",
    ),
]


@pytest.mark.parametrize(
    ("more", "rule", "verdict", "whole"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_one_more_scenario(more: ScenarioRecord, rule: str, verdict: str, whole: str) -> None:
    certificate = certify(STRATEGY, [*EVERYTHING, more])
    assert verdict_of(certificate, rule) == verdict
    assert certificate.verdict == whole


def test_the_scenarios_that_show_the_worst_are_named() -> None:
    bad = record("bad", "DA", rules={"2.5.4-no-mgf": FAILED})
    (shown,) = [r for r in certify(STRATEGY, [*EVERYTHING, bad]).rules if r.rule == "2.5.4-no-mgf"]
    assert shown.scenarios == ("bad",)


def test_not_exercised_is_not_not_run() -> None:
    certificate = certify(STRATEGY, [record("x", "DA", rules={"2.5.4-no-mgf": PASSED})])
    assert verdict_of(certificate, "2.5.2-stops") == "not exercised", "DA was run"
    assert verdict_of(certificate, "3.4.1-wait") == "not run", "EA was not"
    assert certificate.verdict == "inconclusive"


def test_nothing_was_run() -> None:
    assert certify(STRATEGY, []).verdict == "inconclusive"
    assert certify(STRATEGY, [record("x", "DA", deviant="on purpose")]).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("3.4.1-wait", Status.CONCLUDED),
        ("3.1-long-interval", Status.CARRIED),
        ("3.1-persistence", Status.READING),
        ("3.3-sua-retry", Status.UNSOURCED),
        ("BENCH-key-proof", Status.BENCH),
    ],
)
def test_a_rule_rests_on_its_weakest_part(rule: str, status: Status) -> None:
    assert rule_status(STRATEGY.rules[rule], STRATEGY) is status


def test_an_overlay_is_named_and_strengthens_what_it_gives() -> None:
    strategy = load_strategy("5.0", "4.0", find("overlays", "lab-copy-of-mehrs-5.0"))
    assert rule_status(strategy.rules["3.3-sua-retry"], strategy) is Status.OVERLAY
    certificate = certify(strategy, EVERYTHING)
    assert certificate.strategy.overlay == "lab-copy-of-mehrs-5.0"
    assert set(certificate.strategy.hashes) == {"mehrs", "mam", "overlay"}


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({"passed": 3, "failed": 1, "inconclusive": 9}, "failed"),
        ({"passed": 3, "failed": 0, "inconclusive": 1}, "inconclusive"),
        ({"passed": 3, "failed": 0, "inconclusive": 0}, "passed"),
    ],
)
def test_the_worst_of_counts(counts: dict[str, int], verdict: str) -> None:
    assert worst_verdict(counts) == verdict
