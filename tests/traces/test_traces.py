"""The conformance checker against traces and expectations that were written by hand.

`fixtures/traces/<topic>/expected.yaml` says what `smets1-bench check` must answer for each trace;
it was written from the trace format and the two papers, never from what a checker printed.

A case fixes exit code, verdict, the complete `rules` table and the complete list of findings.
A finding is compared in the keys that the case gives. Four keys leave room where the format does:
`up_to` (a chain's bad waits may be one finding or one each), `maybe` (a finding that one reading of
the format has and another has not), `undecided` (rules whose being exercised the format leaves
open) and a missing `reading_sensitive`. `fixtures/traces/QUESTIONS.md` names each question.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRACES = FIXTURES / "traces"

# The rules of the format's table, typed by hand.
RULES = (
    "3.1-long-interval",
    "3.1-total-period",
    "3.1-persistence",
    "3.2-retry",
    "3.3-sua-retry",
    "3.4.1-wait",
    "3.4.1-repeats",
    "3.4.1-persistence",
    "2.3.2-authorised-first",
    "2.4.1.1-before-mcf",
    "2.4-both-validations",
    "2.5.1.1-before-switch",
    "2.5.2-file-set-limit",
    "2.5.2-stops",
    "2.5.4-no-mgf",
    "2.5.5-switch-back",
    "2.5.5-resubmittable",
    "2.5.9-not-entered",
    "2.6.2-not-entered",
    "2.6.3-not-entered",
    "2.6.5-not-entered",
    "2.6.6-incident",
    "2.6.7-commissioning-file",
    "A.1-ma122",
    "MAM-split-week",
    "MAM-split-prepayment",
    "BENCH-key-proof",
    "BENCH-no-orphan",
)

FORBIDS = "it forbids something, and such rules are judged on what was seen"
IMPOSSIBLE = {
    ("MAM-split-prepayment", "passed"): "the MAM does not provide for it: always inconclusive",
    ("MAM-split-prepayment", "failed"): "the MAM does not provide for it: always inconclusive",
    ("3.4.1-repeats", "inconclusive"): "the highest number counts, seen or not",
    ("2.5.2-stops", "inconclusive"): FORBIDS,
    ("2.5.4-no-mgf", "inconclusive"): FORBIDS,
    ("2.5.5-resubmittable", "inconclusive"): "exercised only where switch-back and close were seen",
    ("2.5.9-not-entered", "inconclusive"): FORBIDS,
    ("2.6.2-not-entered", "inconclusive"): FORBIDS,
    ("2.6.3-not-entered", "inconclusive"): FORBIDS,
    ("2.6.5-not-entered", "inconclusive"): FORBIDS,
    ("BENCH-key-proof", "inconclusive"): "QUESTIONS 7: what an outage does to it is open",
    ("BENCH-no-orphan", "inconclusive"): "QUESTIONS 7: what an outage does to it is open",
}

EXITS = {"pass": 0, "fail": 1, "inconclusive": 3, "nothing": 3}
STATUSES = ("concluded", "carried", "proposed", "overlay", "reading", "bench", "unsourced")
FINDING_KEYS = {
    "installation",
    "rule",
    "section",
    "status",
    "verdict",
    "expected",
    "observed",
    "where",
    "reading_sensitive",
    "message",
}
LEEWAY_KEYS = {"up_to", "maybe"}

Finding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of an `expected.yaml`: a call of `check` and the whole of its answer."""

    topic: str
    entry: dict[str, Any]

    @property
    def sources(self) -> list[Path]:
        """The trace files in the order given, standard input resolved to the file behind it."""
        if "stdin" in self.entry:
            return [TRACES / self.topic / self.entry["stdin"]]
        return [TRACES / self.topic / name for name in self.entry["traces"]]

    @property
    def overlays(self) -> list[Path]:
        return [FIXTURES / arg for arg in self.entry["args"] if arg.startswith("overlays/")]

    @property
    def is_error(self) -> bool:
        return "errors" in self.entry

    def run(self) -> Result:
        from bench.cli import main

        command: Any = main
        if "stdin" in self.entry:
            paths, fed = ["-"], self.sources[0].read_bytes()
        else:
            paths, fed = [str(path) for path in self.sources], b""
        args = [str(FIXTURES / a) if a.startswith("overlays/") else a for a in self.entry["args"]]
        result = CliRunner().invoke(command, ["check", *paths, *args, "--json"], input=fed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def lines(self) -> dict[str, tuple[tuple[int, int], str]]:
        """`where` name of each event -> (place in the whole trace, installation)."""
        found = {}
        for index, path in enumerate(self.sources):
            name = "-" if "stdin" in self.entry else path.name
            for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
                if line.strip():
                    installation = json.loads(line)["installation"]
                    found[f"{name}:{number}"] = ((index, number), installation)
        return found


def load() -> list[Case]:
    return [
        Case(path.parent.name, entry)
        for path in sorted(TRACES.glob("*/expected.yaml"))
        for entry in yaml.safe_load(path.read_text("utf-8"))
    ]


CASES = load()


def ids(cases: list[Case]) -> list[str]:
    return [f"{case.topic}/{case.entry['name']}" for case in cases]


VERDICTS = [case for case in CASES if not case.is_error]
ERRORS = [case for case in CASES if case.is_error]


def agrees(expected: Finding, actual: Finding) -> bool:
    return all(actual.get(k) == v for k, v in expected.items() if k not in LEEWAY_KEYS)


def compare_findings(expected: list[Finding], actual: list[Finding]) -> list[str]:
    """Each actual finding must be expected, each expected one (but `maybe`) must be there."""
    room = [want.get("up_to", 1) for want in expected]
    used = [0] * len(expected)
    wrong = []
    for got in actual:
        for index, want in enumerate(expected):
            if used[index] < room[index] and agrees(want, got):
                used[index] += 1
                break
        else:
            wrong.append(f"unexpected finding: {got}")
    for want, times in zip(expected, used, strict=True):
        if not times and not want.get("maybe"):
            wrong.append(f"missing finding:    {want}")
    return wrong


def compare_form(case: Case, answer: dict[str, Any]) -> list[str]:
    """What the format fixes for every answer, whatever the verdict is."""
    wrong = []
    lines = case.lines()
    overlay = None
    for path in case.overlays:
        overlay = yaml.safe_load(path.read_text("utf-8"))["overlay"]
    hashed = {"mehrs", "mam"} | ({"overlay"} if overlay else set())
    counted = len({installation for _, installation in lines.values()})
    fixed: dict[str, Any] = {
        "format": 1,
        "overlay": overlay,
        "events": len(lines),
        "installations": counted,
    }
    fixed |= {key: case.entry[key] for key in ("mehrs", "mam") if key in case.entry}
    for key, value in fixed.items():
        if answer.get(key) != value:
            wrong.append(f"{key}: expected {value!r}, got {answer.get(key)!r}")
    hashes = answer.get("hashes", {})
    if set(hashes) != hashed or not all(h.startswith("sha256:") for h in hashes.values()):
        wrong.append(f"hashes: expected sha256 of {sorted(hashed)}, got {hashes!r}")
    for finding in answer["findings"]:
        if set(finding) != FINDING_KEYS:
            wrong.append(f"keys of a finding: {sorted(set(finding) ^ FINDING_KEYS)} in {finding}")
            continue
        if finding["status"] not in STATUSES:
            wrong.append(f"status {finding['status']!r} is none of the listed")
        own = finding["installation"]
        strange = [p for p in finding["where"] if lines.get(p, (None, None))[1] != own]
        wrong += [f"where: {place!r} is no event of {own}" for place in strange]
    if not wrong and "--sort" not in case.entry["args"]:
        wrong += compare_order(lines, answer["findings"])
    return wrong


def compare_order(
    lines: dict[str, tuple[tuple[int, int], str]], findings: list[Finding]
) -> list[str]:
    """By first appearance of the installation, then line: the first or the last that `where` has,
    whichever the checker goes by (QUESTIONS 8)."""
    appeared = list(dict.fromkeys(installation for _, installation in lines.values()))
    order = [appeared.index(finding["installation"]) for finding in findings]
    if order != sorted(order):
        return [f"findings are not by first appearance of the installation: {order}"]
    for installation in appeared:
        spans = [
            [lines[place][0] for place in finding["where"]]
            for finding in findings
            if finding["installation"] == installation and finding["where"]
        ]
        firsts, lasts = [min(span) for span in spans], [max(span) for span in spans]
        if firsts != sorted(firsts) and lasts != sorted(lasts):
            return [f"findings of {installation} are not in the order of their lines: {spans}"]
    return []


@pytest.mark.parametrize("case", VERDICTS, ids=ids(VERDICTS))
def test_verdict(case: Case) -> None:
    result = case.run()
    try:
        answer = json.loads(result.stdout)
    except ValueError:
        pytest.fail(f"no JSON object; exit {result.exit_code}\n{result.stdout}\n{result.stderr}")
    entry = case.entry
    undecided = set(entry.get("undecided", []))
    wrong = []
    if result.exit_code != entry["exit"]:
        wrong.append(f"exit: expected {entry['exit']}, got {result.exit_code}")
    if answer["verdict"] != entry["verdict"]:
        wrong.append(f"verdict: expected {entry['verdict']!r}, got {answer['verdict']!r}")
    for rule in sorted((set(entry["rules"]) | set(answer["rules"])) - undecided):
        want, got = entry["rules"].get(rule), answer["rules"].get(rule)
        if want != got:
            expected = want or "not exercised"
            wrong.append(f"{rule}: expected {expected}, got {got or 'not exercised'}")
    findings = [found for found in answer["findings"] if found["rule"] not in undecided]
    wrong += compare_findings(entry["findings"], findings)
    wrong += compare_form(case, answer)
    assert not wrong, "\n".join(["", *wrong, f"because: {entry['why']}"])


@pytest.mark.parametrize("case", ERRORS, ids=ids(ERRORS))
def test_error(case: Case) -> None:
    result = case.run()
    wrong = []
    if result.exit_code != 2:
        wrong.append(f"exit: expected 2, got {result.exit_code}")
    if '"verdict"' in result.stdout:
        wrong.append("an error has no verdict")
    if not result.stderr.strip():
        wrong.append("nothing on standard error")
    wrong += [f"not on standard error: {s}" for s in case.entry["errors"] if s not in result.stderr]
    listed = len(re.findall(r"\.jsonl:\d+:", result.stderr))
    if listed != case.entry.get("error_lines", listed):
        wrong.append(f"expected {case.entry['error_lines']} errors listed, got {listed}")
    because = f"because: {case.entry['why']}"
    assert not wrong, "\n".join(["", *wrong, because, "standard error:", result.stderr])


def test_every_rule_passes_fails_and_is_inconclusive_somewhere() -> None:
    seen = {
        (rule, verdict)
        for case in VERDICTS
        for rule, counts in case.entry["rules"].items()
        for verdict, number in counts.items()
        if number
    }
    assert {rule for rule, _ in seen} <= set(RULES)
    needed = {(rule, v) for rule in RULES for v in ("passed", "failed", "inconclusive")}
    assert needed - seen == set(IMPOSSIBLE)


def test_expectations_agree_with_themselves() -> None:
    names = Counter(ids(CASES))
    wrong = [f"{name}: {times} cases of that name" for name, times in names.items() if times > 1]
    for case, name in zip(CASES, ids(CASES), strict=True):
        wrong += [f"{name}: no file {p}" for p in [*case.sources, *case.overlays] if not p.exists()]
        if case.is_error:
            continue
        counts = Counter[str]()
        for number in case.entry["rules"].values():
            counts.update(number)
        verdict = "nothing"
        for key, word in (("passed", "pass"), ("inconclusive", "inconclusive"), ("failed", "fail")):
            verdict = word if counts[key] else verdict
        if (verdict, EXITS[verdict]) != (case.entry["verdict"], case.entry["exit"]):
            wrong.append(f"{name}: its rules make it {verdict}")
        for rule, number in case.entry["rules"].items():
            named = {f["verdict"] for f in case.entry["findings"] if f["rule"] == rule}
            missing = {v for v in ("failed", "inconclusive") if number[v]} - named
            if missing:
                wrong.append(f"{name}: no finding for {rule} {missing}")
    assert not wrong, "\n".join(wrong)


def test_every_file_is_used() -> None:
    used = {path.resolve() for case in CASES for path in [*case.sources, *case.overlays]}
    kept = {*TRACES.glob("*/*.jsonl"), *(FIXTURES / "overlays").glob("*.yaml")}
    grids_own = FIXTURES / "overlays" / "one-sua-attempt.yaml"
    assert {path.resolve() for path in kept} - used == {grids_own.resolve()}
