"""The judgement as plain text for a lab engineer: the verdict first, then what to look at.

100 columns, no colour, so that it can be pasted into a ticket.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from bench.conformance.finding import WORDS, Finding, Judgement
from bench.conformance.wording import times
from bench.mehrs.strategy import Rule, Status, Strategy
from bench.verdict import Verdict

_WIDTH: Final = 100
_SHOWN: Final = 200
"""Findings written out; `--json` holds all of them."""

_MEANING: Final = {
    "pass": "everything that was exercised passed",
    "fail": "the trace breaks the strategy",
    "inconclusive": "nothing failed, but something could not be judged",
    "nothing": "nothing in this trace exercises a rule of this strategy",
}

_WORST_FIRST: Final = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def as_text(judgement: Judgement, left_out: str = "") -> str:
    """The whole report, without a newline at its end. `left_out` says what was not read."""
    return "\n".join(_lines(judgement, left_out))


def _lines(judgement: Judgement, left_out: str) -> Iterator[str]:
    yield f"{judgement.label.upper()}: {_MEANING[judgement.label]}"
    yield ""
    yield from _basis(judgement, left_out)
    if judgement.rules:
        yield ""
        yield from _counts(judgement)
    told = sorted(judgement.findings, key=lambda finding: _WORST_FIRST.index(finding.verdict))
    for finding in told[:_SHOWN]:
        yield ""
        yield from _told(finding, judgement.strategy)
    if len(told) > _SHOWN:
        yield ""
        yield f"{len(told) - _SHOWN} more findings are not shown; --json holds all of them."


def _basis(judgement: Judgement, left_out: str) -> Iterator[str]:
    strategy = judgement.strategy
    hashes = strategy.hashes
    skipped = f", {left_out}" if left_out else ""
    installations = times(judgement.installations, "installation")
    yield f"Trace     {times(judgement.events, 'event')} of {installations}{skipped}"
    yield f"MEHRS     {strategy.mehrs.version}  {hashes['mehrs']}"
    yield f"MAM       {strategy.mam.version}  {hashes['mam']}"
    if strategy.overlay is None:
        yield "Overlay   none"
    else:
        yield f"Overlay   {printable(strategy.overlay.name)}  {hashes['overlay']}"


def _counts(judgement: Judgement) -> Iterator[str]:
    """Installations by their worst verdict of each rule, the worst rules first."""
    width = max(len(name) for name in judgement.rules)
    yield f"{'Rule'.ljust(width)}  failed  inconclusive  passed   (installations)"
    ranked = sorted(
        judgement.rules.items(),
        key=lambda item: 0 if item[1].failed else 1 if item[1].inconclusive else 2,
    )
    for name, count in ranked:
        yield (f"{name.ljust(width)}  {count.failed:6}  {count.inconclusive:12}  {count.passed:6}")


def _told(finding: Finding, strategy: Strategy) -> Iterator[str]:
    rule = strategy.rules[finding.rule]
    word = WORDS[finding.verdict].upper()
    yield f"{word}  {printable(finding.installation)}  {finding.rule}  (section {finding.section})"
    yield from _wrapped(finding.message)
    yield from _field("expected", finding.expected)
    yield from _field("observed", finding.observed)
    yield from _field("look at", ", ".join(finding.where))
    yield from _field("source", f"{_sources(rule, strategy)}; status: {finding.status.value}")
    for other in finding.others:
        yield from _field("reading", f"{other}{_pinned(other.parameter, strategy)}")
    if rule.reading and finding.status is Status.READING:
        yield from _field("note", rule.reading)
    missing = [name for name in rule.parameters if strategy.parameters[name].value is None]
    if missing and finding.verdict is Verdict.INCONCLUSIVE:
        advice = f"an overlay that gives {' and '.join(missing)} makes this rule conclusive"
        yield from _field("to do", advice)


def _pinned(parameter: str, strategy: Strategy) -> str:
    return f" (pinned: {strategy.parameters[parameter].value})"


def _sources(rule: Rule, strategy: Strategy) -> str:
    """The rule's source and those of its parameters that have another one."""
    sources = [str(rule.source)]
    sources += [str(strategy.parameters[name].source) for name in rule.parameters]
    return " ".join(dict.fromkeys(sources))


def _field(name: str, text: str) -> Iterator[str]:
    return _wrapped(text, f"  {name}: ".ljust(12))


def _wrapped(text: str, first: str = "  ") -> Iterator[str]:
    yield from textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def printable(text: str) -> str:
    """The text on one line: control characters of a name in a trace must not drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
