"""The shipped strategy against the papers.

`PARAMETERS` and `RULES` are typed by hand from the two papers and the rules of the trace format,
and computed from nothing. Engine and checker read the same data, so a wrong number there would be
wrong on both sides: this table is what would notice.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bench
from bench.mehrs import loader
from bench.mehrs.loader import load_document, load_strategy
from bench.mehrs.strategy import Kind, Parameter, Rule, Status, section_order, weakest
from bench.mehrs.versions import DATA, papers, versions
from bench.parties import Group

V2, V21, V5D, V5 = "2.0", "2.1-draft", "5.0-draft", "5.0"

# parameter, version: value as the papers write it (None: unsourced), status, source
PARAMETERS = {
    ("3.1.long-interval", V2): ("2 h", "concluded", "[S row 4]"),
    ("3.1.long-interval", V21): ("30 min", "proposed", "[S row 4]"),
    ("3.1.long-interval", V5D): ("30 min", "carried", "[S row 4]"),
    ("3.1.long-interval", V5): ("30 min", "carried", "[S row 4]"),
    ("3.1.total-period", V2): ("24 h", "concluded", "[S row 4]"),
    ("3.1.total-period", V21): ("48 h", "proposed", "[S row 4]"),
    ("3.1.total-period", V5D): ("48 h", "carried", "[S row 4]"),
    ("3.1.total-period", V5): ("48 h", "carried", "[S row 4]"),
    ("3.1.period-from", V2): ("first-attempt", "reading", "[S row 4]"),
    ("3.1.period-from", V21): ("first-attempt", "reading", "[S row 4]"),
    ("3.1.period-from", V5D): ("first-attempt", "reading", "[S row 4]"),
    ("3.1.period-from", V5): ("first-attempt", "reading", "[S row 4]"),
    ("3.1.short-interval", V2): (None, "unsourced", "[S row 4]"),
    ("3.1.short-interval", V21): (None, "unsourced", "[S row 4]"),
    ("3.1.short-interval", V5D): (None, "unsourced", "[S row 4]"),
    ("3.1.short-interval", V5): (None, "unsourced", "[S row 4]"),
    ("3.1.short-repeats", V2): (None, "unsourced", "[S row 4]"),
    ("3.1.short-repeats", V21): (None, "unsourced", "[S row 4]"),
    ("3.1.short-repeats", V5D): (None, "unsourced", "[S row 4]"),
    ("3.1.short-repeats", V5): (None, "unsourced", "[S row 4]"),
    ("3.2.interval", V2): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.interval", V21): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.interval", V5D): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.interval", V5): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.repeats", V2): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.repeats", V21): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.repeats", V5D): (None, "unsourced", "[S rows 4, 17]"),
    ("3.2.repeats", V5): (None, "unsourced", "[S rows 4, 17]"),
    ("3.3.interval", V21): (None, "unsourced", "[S row 17]"),
    ("3.3.interval", V5D): (None, "unsourced", "[S row 17]"),
    ("3.3.interval", V5): (None, "unsourced", "[S row 17]"),
    ("3.3.repeats", V21): (None, "unsourced", "[S row 17]"),
    ("3.3.repeats", V5D): (None, "unsourced", "[S row 17]"),
    ("3.3.repeats", V5): (None, "unsourced", "[S row 17]"),
    ("2.5.2.file-set-limit", V21): ("24 h", "proposed", "[S row 10]"),
    ("2.5.2.file-set-limit", V5D): ("24 h", "carried", "[S row 10]"),
    ("2.5.2.file-set-limit", V5): ("24 h", "carried", "[S row 10]"),
    ("3.4.1.wait", V5D): ("5 min", "proposed", "[C s4.2.1]"),
    ("3.4.1.wait", V5): ("4 h", "concluded", "[C s5]"),
    ("3.4.1.repeats", V5D): ("3", "proposed", "[C s4.2.1]"),
    ("3.4.1.repeats", V5): ("5", "concluded", "[C s5]"),
    ("3.4.1.counting", V5D): ("repeats", "reading", "[C s5]"),
    ("3.4.1.counting", V5): ("repeats", "reading", "[C s5]"),
    ("3.x.measured-from", V2): ("end", "reading", "[S row 4]"),
    ("3.x.measured-from", V21): ("end", "reading", "[S row 4]"),
    ("3.x.measured-from", V5D): ("end", "reading", "[S row 4]"),
    ("3.x.measured-from", V5): ("end", "reading", "[S row 4]"),
    ("boundary", V2): ("inclusive", "reading", "[S row 4]"),
    ("boundary", V21): ("inclusive", "reading", "[S rows 4, 10]"),
    ("boundary", V5D): ("inclusive", "reading", "[S rows 4, 10]"),
    ("boundary", V5): ("inclusive", "reading", "[S rows 4, 10]"),
}

READINGS = {
    "3.1.period-from": {"first-attempt", "first-long"},
    "3.4.1.counting": {"repeats", "attempts", "repeats-of-retry"},
    "3.x.measured-from": {"end", "start"},
    "boundary": {"inclusive", "exclusive"},
}

PLACEHOLDERS = {
    "3.1.short-interval": "5 min",
    "3.1.short-repeats": "3",
    "3.2.interval": "30 min",
    "3.2.repeats": "5",
    "3.3.interval": "30 min",
    "3.3.repeats": "3",
}

ALL = ("IOC", "MDS", "DA", "EA")
NO = None  # the version does not have the rule

# rule: groups, source, then its own status in 2.0, 2.1-draft, 5.0-draft, 5.0; "P" = as its
# parameters
RULES: dict[str, tuple[tuple[str, ...], str, str | None, str | None, str | None, str | None]] = {
    "3.1-long-interval": (("IOC",), "[S row 4]", "P", "P", "P", "P"),
    "3.1-total-period": (("IOC",), "[S row 4]", "P", "P", "P", "P"),
    "3.1-persistence": (("IOC",), "[S row 4]", "reading", "reading", "reading", "reading"),
    "3.2-retry": (("MDS",), "[S rows 4, 17]", "P", "P", "P", "P"),
    "3.3-sua-retry": (("DA",), "[S row 17]", NO, "P", "P", "P"),
    "3.4.1-wait": (("EA",), "[C s5]", NO, NO, "P", "P"),
    "3.4.1-repeats": (("EA",), "[C s5]", NO, NO, "P", "P"),
    "3.4.1-persistence": (("EA",), "[C s5]", NO, NO, "reading", "reading"),
    "2.3.2-authorised-first": (ALL, "[S row 1]", "reading", "reading", "reading", "reading"),
    "2.4.1.1-before-mcf": (("DA",), "[S row 7]", NO, "proposed", "carried", "carried"),
    "2.4-both-validations": (ALL, "[S row 8]", NO, "reading", "reading", "reading"),
    "2.5.1.1-before-switch": (("DA",), "[S row 9]", NO, "proposed", "carried", "carried"),
    "2.5.2-file-set-limit": (("DA",), "[S row 10]", NO, "proposed", "carried", "carried"),
    "2.5.2-stops": (("DA",), "[S row 10]", NO, "reading", "reading", "reading"),
    "2.5.4-no-mgf": (("DA",), "[S row 11]", NO, "proposed", "carried", "carried"),
    "2.5.5-switch-back": (("DA",), "[S row 12]", NO, "proposed", "carried", "carried"),
    "2.5.5-resubmittable": (("DA",), "[S row 12]", NO, "reading", "reading", "reading"),
    "2.5.9-not-entered": (("DA",), "[S row 13]", NO, "proposed", "carried", "carried"),
    "2.6.2-not-entered": (("DA",), "[S row 14]", NO, "proposed", "carried", "carried"),
    "2.6.3-not-entered": (("DA",), "[S row 14]", NO, "proposed", "carried", "carried"),
    "2.6.5-not-entered": (("DA",), "[S row 16]", NO, "proposed", "carried", "carried"),
    "2.6.6-incident": (ALL, "[S row 2]", NO, "proposed", "carried", "carried"),
    "2.6.7-commissioning-file": (ALL, "[S row 3]", NO, "proposed", "carried", "carried"),
    "A.1-ma122": (ALL, "[S row 5]", NO, "proposed", "carried", "carried"),
    "BENCH-key-proof": (ALL, "[bench]", "bench", "bench", "bench", "bench"),
    "BENCH-no-orphan": (("DA",), "[bench]", NO, "bench", "bench", "bench"),
}

USES = {
    "3.1-long-interval": {"3.1.long-interval", "3.x.measured-from"},
    "3.1-total-period": {"3.1.total-period", "3.1.period-from", "boundary"},
    "3.1-persistence": {"3.1.long-interval", "3.1.total-period", "3.1.period-from", "boundary"},
    "3.2-retry": {"3.2.interval", "3.2.repeats", "3.x.measured-from"},
    "3.3-sua-retry": {"3.3.interval", "3.3.repeats", "3.x.measured-from"},
    "3.4.1-wait": {"3.4.1.wait", "3.x.measured-from"},
    "3.4.1-repeats": {"3.4.1.repeats", "3.4.1.counting"},
    "3.4.1-persistence": {"3.4.1.repeats", "3.4.1.counting"},
    "2.5.2-file-set-limit": {"2.5.2.file-set-limit", "boundary"},
    "2.5.2-stops": {"2.5.2.file-set-limit", "boundary"},
    "2.5.5-resubmittable": {"2.5.2.file-set-limit", "boundary"},
}


@pytest.mark.parametrize("version", [V2, V21, V5D, V5])
def test_every_parameter_is_as_the_papers_say(version: str) -> None:
    held = {
        key: (
            None if entry.value is None else entry.shown(),
            entry.status.value,
            str(entry.source),
        )
        for key, entry in load_document("MEHRS", version).parameters.items()
    }
    assert held == {key: told for (key, of), told in PARAMETERS.items() if of == version}


@pytest.mark.parametrize(("column", "version"), [(2, V2), (3, V21), (4, V5D), (5, V5)])
def test_every_rule_is_there_with_its_groups_and_status(column: int, version: str) -> None:
    held = {
        key: (tuple(rule.groups), "P" if rule.status is None else rule.status.value)
        for key, rule in load_document("MEHRS", version).rules.items()
    }
    assert held == {key: (row[0], row[column]) for key, row in RULES.items() if row[column]}


def test_rules_cite_their_rows_and_name_their_parameters() -> None:
    rules = load_document("MEHRS", V5).rules
    assert {key: str(rule.source) for key, rule in rules.items()} == {
        key: row[1] for key, row in RULES.items()
    }
    assert {key: set(rule.parameters) for key, rule in rules.items() if rule.parameters} == USES
    draft = load_document("MEHRS", V5D).rules
    assert {str(draft[key].source) for key in draft if key.startswith("3.4.1")} == {"[C s4.2.1]"}


def test_the_mam_rules_belong_to_4_0() -> None:
    assert load_document("MAM", "3.0").rules == {}
    held = {
        key: (tuple(rule.groups), rule.status, str(rule.source), bool(rule.reading))
        for key, rule in load_document("MAM", "4.0").rules.items()
    }
    assert held == {
        "MAM-split-week": (ALL, "concluded", "[C s5]", True),
        "MAM-split-prepayment": (ALL, "concluded", "[C s4.1.1]", False),
    }
    assert load_document("MAM", "3.0").parameters == load_document("MAM", "4.0").parameters == {}


@pytest.mark.parametrize("version", [V2, V21, V5D, V5])
def test_a_reading_names_the_others_and_why_ours_was_pinned(version: str) -> None:
    document = load_document("MEHRS", version)
    for key, entry in document.parameters.items():
        assert (entry.kind is Kind.CHOICE) == (entry.status is Status.READING) == (key in READINGS)
        if entry.kind is Kind.CHOICE:
            assert set(entry.choices) == set(entry.meanings) == READINGS[key]
            assert entry.value not in entry.other_readings
            assert {entry.value, *entry.other_readings} == READINGS[key]
            assert "Pinned to" in entry.note
    for rule in document.rules.values():
        if rule.status is Status.READING:
            assert "Not read: " in rule.reading, rule.id


@pytest.mark.parametrize("version", [V2, V21, V5D, V5])
def test_only_what_is_unsourced_has_a_placeholder(version: str) -> None:
    held = {}
    for key, entry in load_document("MEHRS", version).parameters.items():
        assert (entry.value is None) == (entry.placeholder is not None), key
        if entry.placeholder is not None:
            held[key] = entry.shown(entry.placeholder)
            assert entry.running_value == entry.placeholder
    there = {key for key, of in PARAMETERS if of == version}
    assert held == {key: told for key, told in PLACEHOLDERS.items() if key in there}


def test_every_source_is_one_of_the_two_papers_or_the_bench() -> None:
    assert {(paper.letter, paper.date) for paper in papers().values()} == {
        ("C", "2021-04-08"),
        ("S", "2020-06-05"),
    }
    for kind in ("MEHRS", "MAM"):
        for version in versions(kind):
            document = load_document(kind, version)
            entries: list[Parameter | Rule] = [*document.parameters.values()]
            for entry in [*entries, *document.rules.values()]:
                assert entry.source.document in (*papers(), "bench")
                assert entry.title
                assert entry.section
            for rule in document.rules.values():
                assert set(rule.parameters) <= set(document.parameters)
                assert rule.groups


def test_hashes_tell_versions_apart_and_ignore_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {load_document("MEHRS", version).digest for version in versions()}
    assert len(digests) == 4
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests)
    before = load_document("MEHRS", V2).digest
    shipped = loader._read("MEHRS", V2)

    def changed(field: str, value: str) -> str:
        entry = {**shipped["parameters"]["3.1.long-interval"], field: value}
        parameters = {**shipped["parameters"], "3.1.long-interval": entry}
        monkeypatch.setattr(loader, "_read", lambda *_: {**shipped, "parameters": parameters})
        return load_document.__wrapped__("MEHRS", V2).digest

    assert changed("note", "another note") == changed("title", "another title") == before
    assert changed("value", "3h") != before
    assert changed("status", "proposed") != before
    assert changed("source", "S row 5") != before
    assert changed("value", "120min") == before


def test_a_strategy_joins_a_mehrs_and_a_mam() -> None:
    strategy = load_strategy()
    assert (strategy.mehrs.version, strategy.mam.version, strategy.overlay) == ("5.0", "4.0", None)
    assert set(strategy.hashes) == {"mehrs", "mam"}
    assert {rule.id for rule in strategy.rules_for(Group.EA)} == {
        key for key, row in RULES.items() if "EA" in row[0]
    } | {"MAM-split-week", "MAM-split-prepayment"}
    assert "MAM-split-week" not in load_strategy(mam="3.0").rules
    assert strategy.duration("3.4.1.wait") == 4 * 3_600_000_000
    assert strategy.count("3.4.1.repeats") == 5
    assert strategy.choice("boundary") == "inclusive"
    assert not load_strategy("2.0").has("3.4.1.wait")


def test_sections_sort_by_their_numbers() -> None:
    order = ["2.3.2", "2.5.2", "2.5.9", "2.5.10", "3.1", "3.4.1", "3.x", "A.1", "BENCH", "MAM"]
    shuffled = sorted(order, reverse=True)
    assert sorted(shuffled, key=section_order) == order


def test_the_weakest_status_is_shown() -> None:
    order = ["concluded", "carried", "proposed", "overlay", "reading", "bench", "unsourced"]
    for index, weaker in enumerate(order):
        for stronger in order[: index + 1]:
            assert weakest(Status(stronger), Status(weaker)) == weaker
            assert weakest(Status(weaker), Status(stronger)) == weaker


def limits_in(source: str) -> list[str]:
    """The strategy's durations as this code may hide them: texts, products and microseconds."""
    units = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
    spans = {"2 h": 7200, "24 h": 86400, "30 min": 1800, "48 h": 172800, "5 min": 300, "4 h": 14400}
    found = []
    for node in ast.walk(ast.parse(source)):
        seconds = 0.0
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and re.fullmatch(
                r"(2 ?h|24 ?h|30 ?min|48 ?h|5 ?min|4 ?h|[12] ?d)", node.value
            ):
                found.append(node.value)
            elif type(node.value) in (int, float):
                seconds = float(str(node.value)) / 1_000_000
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(one, ast.Constant) and isinstance(other, ast.Name | ast.Attribute):
                    name = other.id if isinstance(other, ast.Name) else other.attr
                    seconds = float(str(one.value)) * units.get(name, 0)
        found += [name for name, span in spans.items() if seconds == span]
    return found


def test_limits_live_in_the_data_only() -> None:
    hidden = "wait = 4 * HOUR\nx = '30min'\ny = units.HOUR * 48\nz = 300_000_000"
    assert sorted(limits_in(hidden)) == ["30min", "4 h", "48 h", "5 min"]
    root = Path(bench.__file__).parent
    found = {
        f"{path.relative_to(root)}: {limit}"
        for folder in ("mehrs", "conformance", "migration")
        for path in (root / folder).rglob("*.py")
        for limit in limits_in(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_later_version_states_only_what_changes() -> None:
    assert "30min" in (DATA / "mehrs-2.1-draft.yaml").read_text(encoding="utf-8")
    assert "3.1.long-interval" not in (DATA / "mehrs-5.0.yaml").read_text(encoding="utf-8")
