"""`junit.xml` for CI servers; what becomes of what is described in docs/result.md.

Written by hand and not by a serialiser, because the bytes must be the same everywhere. No wall
time goes in: `time` is left out, and the simulated duration is a property.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from bench.printable import printable
from bench.report.marks import verdict_of
from bench.report.spoken import length_of
from bench.result import RunRecord, ScenarioRecord
from bench.units import SECOND


def junit_xml(record: RunRecord) -> str:
    suites: dict[str, list[ScenarioRecord]] = {}
    for scenario in record.scenarios:
        suites.setdefault(scenario.suite, []).append(scenario)
    return "\n".join(_document(record, suites)) + "\n"


def _document(record: RunRecord, suites: dict[str, list[ScenarioRecord]]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield _open("testsuites", name=f"smets1-bench {record.suite}", **_counts(record.scenarios))
    for name, scenarios in suites.items():
        # The suite's own time, so that CI servers can order runs of real kit.
        yield _open(
            "testsuite", name=name, **_counts(scenarios), timestamp=record.started.rstrip("Z")
        )
        yield "<properties>"
        yield from _properties(_of_run(record))
        yield "</properties>"
        for scenario in scenarios:
            yield from _testcase(scenario, record.kit)
        yield "</testsuite>"
    yield "</testsuites>"


def _counts(scenarios: Iterable[ScenarioRecord]) -> dict[str, str]:
    verdicts = [verdict_of(scenario) for scenario in scenarios]
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count("fail")),
        "errors": str(verdicts.count("bench-error")),
        "skipped": str(verdicts.count("inconclusive") + verdicts.count("not run")),
    }


def _of_run(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "evidence", record.kit
    yield "station", record.station
    yield "clock", record.clock
    yield "seed", str(record.seed)
    yield "tool", record.tool
    yield "commit", record.commit
    for index, certificate in enumerate(record.certificates, start=1):
        prefix = f"certificate.{index}"
        yield f"{prefix}.strategy", certificate.strategy.label
        yield f"{prefix}.verdict", certificate.verdict
        for name, digest in certificate.strategy.hashes.items():
            yield f"{prefix}.hash.{name}", digest


def _of_scenario(scenario: ScenarioRecord, kit: str) -> Iterator[tuple[str, str]]:
    yield "evidence", kit
    yield "strategy", scenario.strategy.label
    for name, digest in scenario.strategy.hashes.items():
        yield f"hash.{name}", digest
    yield "group", scenario.group
    if scenario.not_run:
        return
    yield "outcome", scenario.outcome
    length = length_of(scenario.started, scenario.ended)
    if length is not None:
        yield "simulated-duration-s", f"{length / SECOND:.6f}".rstrip("0").rstrip(".")
    if scenario.deviant:
        yield "deviant", scenario.deviant


def _testcase(scenario: ScenarioRecord, kit: str) -> Iterator[str]:
    verdict = verdict_of(scenario)
    yield _open("testcase", classname=scenario.suite, name=scenario.name)
    yield "<properties>"
    yield from _properties(_of_scenario(scenario, kit))
    yield "</properties>"
    mismatches = [*scenario.mismatches] or ["no mismatch was recorded"]
    body = _text("\n".join([*mismatches, "", f"replay: {scenario.replay}"]))
    if verdict == "fail":
        yield f'<failure type="fail" message="{_attribute(mismatches[0])}">{body}</failure>'
    elif verdict == "bench-error":
        yield f'<error type="bench-error" message="{_attribute(mismatches[0])}">{body}</error>'
    elif verdict == "inconclusive":
        why = scenario.mismatches[0] if scenario.mismatches else "nothing was shown either way"
        yield f'<skipped message="{_attribute(f"inconclusive: {why}")}"/>'
    elif verdict == "not run":
        yield f'<skipped message="{_attribute(f"not run: {scenario.not_run}")}"/>'
    if not scenario.not_run:
        told = "\n".join([*scenario.story, "", f"replay: {scenario.replay}"])
        yield f"<system-out>{_text(told.strip())}</system-out>"
    yield "</testcase>"


def _open(tag: str, **attributes: str) -> str:
    shown = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items())
    return f"<{tag}{shown}>"


def _properties(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in pairs:
        yield f'<property name="{_attribute(name)}" value="{_attribute(value)}"/>'


def _attribute(text: str) -> str:
    return escape(printable(text), {'"': "&quot;"})


def _text(text: str) -> str:
    """Several lines; each is made fit for XML by itself."""
    return "\n".join(escape(printable(line)) for line in text.split("\n"))
