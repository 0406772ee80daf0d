"""Verdicts as a symbol and a word, so that neither colour nor symbol has to carry the meaning."""

from __future__ import annotations

from typing import Final

from bench.result import ScenarioRecord

NOT_RUN: Final = "not run"

SYMBOLS: Final = {
    "pass": "✓",
    "passed": "✓",
    "fail": "✗",
    "failed": "✗",
    "inconclusive": "?",
    "bench-error": "!",
    "not exercised": "·",
    NOT_RUN: "–",
}

PLAIN_SYMBOLS: Final = {**SYMBOLS, "pass": "+", "passed": "+", "fail": "x", "failed": "x"} | {
    "not exercised": ".",
    NOT_RUN: "-",
}
"""For terminals that know ASCII only."""

SEVERITY: Final = {"bench-error": 0, "fail": 1, "inconclusive": 2, NOT_RUN: 3, "pass": 4}


def verdict_of(scenario: ScenarioRecord) -> str:
    """The scenario's verdict, or `not run`, which is none."""
    return NOT_RUN if scenario.not_run else scenario.verdict
