"""Makes docs/requirements.md: each rule and parameter × version × status × scenarios × tests.

`python -m tests.requirements_doc --write` writes it; the test beside it checks that it is current.
Scenarios are those that really exercised the rule in a run of the default suite; trace cases are
those of fixtures/traces in which the hand-written expectation names it. Empty cells are shown.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from bench.mehrs.loader import load_document
from bench.mehrs.strategy import Document
from bench.mehrs.versions import versions
from bench.migration.sections import PROCESS
from bench.order import Order
from bench.runner import run_suite
from bench.shipped import find, fixtures
from bench.suite_reading import read_suite

TARGET = Path(__file__).parent.parent / "docs" / "requirements.md"
_NONE = "–"
_SHOWN = 3

HEAD = """# Requirements matrix

Made by `make docs` from the strategy, a run of the default suite and the hand-written traces; a
test fails when it is out of date. A cell `–` is empty: nothing covers it. *Status* is how the rule
or value is known in that version (docs/strategy.md), `absent` where the version does not have it,
`as limits` where the rule has no status but its parameters'. *Scenarios* are those of the default
suite that exercised the rule; *trace cases* count the hand-written traces in which it passed,
failed or was inconclusive, of a parameter those of the rules that use it. Each value and rule is
also pinned against the papers by hand in `tests/test_strategy.py`.
"""


def make() -> str:
    """The whole document."""
    documents = {
        kind: {version: load_document(kind, version) for version in versions(kind)}
        for kind in ("MEHRS", "MAM")
    }
    scenarios = _scenarios_by_rule()
    cases = _cases_by_rule()
    lines = [HEAD]
    for kind, held in documents.items():
        lines += [f"## Rules of the {kind}", "", *_rules(held, scenarios, cases), ""]
    lines += ["## Parameters", "", *_parameters(documents["MEHRS"], scenarios, cases), ""]
    lines += ["## Sections of the process", "", *_sections(), ""]
    return "\n".join(lines)


def _rules(
    held: Mapping[str, Document],
    scenarios: Mapping[str, list[str]],
    cases: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    yield from _header("rule", "groups", *held, "scenarios", "trace cases (pass/fail/inc.)")
    for rule in _ids(document.rules for document in held.values()):
        statuses = []
        groups = ""
        for document in held.values():
            if rule not in document.rules:
                statuses.append("absent")
                continue
            entry = document.rules[rule]
            groups = "all" if len(entry.groups) == len(PROCESS) else ", ".join(entry.groups)
            statuses.append(entry.status or "as limits")
        counted = cases.get(rule)
        counts = _NONE
        if counted:
            counts = "/".join(str(counted[v]) for v in ("passed", "failed", "inconclusive"))
        yield _row(f"`{rule}`", groups, *statuses, _names(scenarios.get(rule, [])), counts)


def _parameters(
    held: Mapping[str, Document],
    scenarios: Mapping[str, list[str]],
    cases: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    yield from _header("parameter", *held, "rules that use it", "scenarios", "trace cases")
    for name in _ids(document.parameters for document in held.values()):
        cells = []
        rules: dict[str, None] = {}
        for document in held.values():
            parameter = document.parameters.get(name)
            if parameter is None:
                cells.append("absent")
                continue
            cells.append(
                str(parameter.status)
                if parameter.value is None
                else f"{parameter.shown()} {parameter.status}"
            )
            rules |= {r.id: None for r in document.rules.values() if name in r.parameters}
        used: dict[str, None] = {}
        for rule in rules:
            used |= dict.fromkeys(scenarios.get(rule, []))
        listed = ", ".join(f"`{rule}`" for rule in rules) or _NONE
        judged = sum(sum(cases[rule].values()) for rule in rules if rule in cases)
        yield _row(f"`{name}`", *cells, listed, _names(list(used)), str(judged or _NONE))


def _sections() -> Iterator[str]:
    """Which scenario covers which section, by group, by the scenarios' own word (`covers`)."""
    covering: dict[tuple[str, str], list[str]] = defaultdict(list)
    _, prepared = read_suite(find("suites", "default"))
    for each in prepared:
        for covered in each.scenario.covers:
            covering[covered, each.installation.group].append(each.scenario.scenario)
    sections = dict.fromkeys(
        section
        for section in (
            "MAM",
            *(stage.section for stages in PROCESS.values() for stage in stages if stage.step),
            "2.6.5",
            "2.6.6",
            "2.6.7",
            "3.1",
            "3.2",
            "3.3",
            "3.4.1",
        )
    )
    yield from _header("section", *PROCESS)
    for section in sections:
        yield _row(section, *(_names(covering[section, group]) for group in PROCESS))


def _scenarios_by_rule() -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        order = Order(find("suites", "default"), "default", seed=1)
        record = run_suite(order, Path(folder))
    exercised: dict[str, list[str]] = defaultdict(list)
    for scenario in record.scenarios:
        for rule in scenario.rules:
            exercised[rule].append(scenario.name)
    return exercised


def _cases_by_rule() -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for path in sorted((fixtures() / "traces").glob("*/expected.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in document if isinstance(document, list) else document["cases"]:
            for rule, verdicts in case.get("rules", {}).items():
                counts = counted.setdefault(rule, dict.fromkeys(_VERDICTS, 0))
                for verdict, number in verdicts.items():
                    counts[verdict] += bool(number)
    return counted


_VERDICTS = ("passed", "failed", "inconclusive")


def _ids(held: Iterator[Mapping[str, object]]) -> dict[str, None]:
    found: dict[str, None] = {}
    for mapping in held:
        found |= dict.fromkeys(mapping)
    return found


def _names(names: list[str]) -> str:
    if not names:
        return _NONE
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _header(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        TARGET.write_text(make(), encoding="utf-8")
    else:
        print(make(), end="")
