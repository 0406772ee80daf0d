"""`smets1-bench rules`: what stands in its text and its JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli.rules import rules
from bench.errors import UsageError
from bench.mehrs.loader import load_document, load_strategy


def told(*arguments: str) -> str:
    result = CliRunner().invoke(rules, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert result.stdout.isprintable() or "\n" in result.stdout
    return result.stdout


def told_json(*arguments: str) -> Any:
    return json.loads(told(*arguments, "--json"))


@pytest.fixture
def overlay(tmp_path: Path) -> str:
    path = tmp_path / "overlay.yaml"
    path.write_text(
        'overlay: lab-copy\napplies-to: "5.0"\nparameters:\n'
        '  3.3.interval: {value: 20min, source: "MEHRS V5.0 3.3, our copy"}\n'
        '  boundary: {value: exclusive, source: "MEHRS V5.0 1.2, our copy"}\n',
        encoding="utf-8",
    )
    return str(path)


def test_every_parameter_and_rule_is_printed_with_value_status_and_source() -> None:
    text = told()
    lines = [line.split() for line in text.splitlines()]
    strategy = load_strategy()
    for rule in strategy.rules.values():
        assert any(line[:2] == ["rule", rule.id] for line in lines), rule.id
    for key in strategy.parameters:
        assert any(line[:1] == [key] for line in lines), key
    assert ["3.4.1.wait", "4", "h", "concluded", "[C", "s5]"] in lines
    assert ["2.5.2.file-set-limit", "24", "h", "carried", "[S", "row", "10]"] in lines
    assert ["rule", "3.4.1-wait", "EA", "as", "parameters", "[C", "s5]"] in lines
    assert ["rule", "BENCH-key-proof", "all", "groups", "bench", "[bench]"] in lines
    assert strategy.mehrs.digest in text
    assert strategy.mam.digest in text
    assert "No overlay" in text
    assert "CON_SMETS1_MAM_MEHRS_issued" in text


def test_the_text_fits_a_ticket() -> None:
    for arguments in ((), ("--mehrs", "2.0"), ("--diff", "2.0", "5.0")):
        text = told(*arguments)
        assert max(len(line) for line in text.splitlines()) <= 100
        assert "\x1b" not in text
        assert not any(line.endswith(" ") for line in text.splitlines())


def test_readings_show_what_was_not_read_and_why() -> None:
    text = " ".join(told().split())
    assert "read as first-attempt: The total period runs from the first attempt" in text
    assert "not read as first-long: The total period runs from the first long attempt." in text
    assert "not read as attempts: All attempts are counted, the first try too." in text
    assert "Pinned to the end: one waits after an attempt" in text


def test_what_is_unsourced_is_loud() -> None:
    text = told()
    assert text.index("UNSOURCED: 3.1.short-interval") < text.index("Section 2.3.2")
    assert ["3.3.interval", "(30", "min)", "UNSOURCED", "[S", "row", "17]"] in [
        line.split() for line in text.splitlines()
    ]
    assert "UNSOURCED" not in told("--group", "EA")


def test_an_overlay_is_shown_with_its_citation(overlay: str) -> None:
    text = told("--overlay", overlay)
    assert "Overlay lab-copy\n  sha256:" in text
    assert "3.3.interval              20 min          overlay\n" in text
    assert "      source: MEHRS V5.0 3.3, our copy\n" in text
    assert "not read as inclusive" not in text


def test_a_group_sees_its_own_rules_and_what_they_use() -> None:
    shown = told_json("--group", "EA")
    assert set(shown["parameters"]) == {
        "3.4.1.wait", "3.4.1.repeats", "3.4.1.counting", "3.x.measured-from",
    }  # fmt: skip
    assert "3.4.1-wait" in shown["rules"]
    assert "BENCH-key-proof" in shown["rules"]
    assert "2.5.4-no-mgf" not in shown["rules"]
    ioc = told_json("--group", "IOC")
    assert "3.1.short-interval" in ioc["parameters"]  # no rule uses it; it is of the section
    assert "Only what concerns group DA" in told("--group", "DA")


def test_json(overlay: str) -> None:
    shown = told_json("--overlay", overlay)
    strategy = load_strategy(overlay=Path(overlay))
    assert shown["format"] == 1
    assert shown["mehrs"]["version"] == "5.0"
    assert {key: shown[key]["hash"] for key in ("mehrs", "mam", "overlay")} == strategy.hashes
    assert shown["overlay"]["name"] == "lab-copy"
    assert set(shown["parameters"]) == set(strategy.parameters)
    assert set(shown["rules"]) == set(strategy.rules)
    assert shown["parameters"]["3.3.interval"]["value"] == 1_200_000_000
    assert shown["parameters"]["3.3.interval"]["status"] == "overlay"
    assert shown["parameters"]["3.1.period-from"]["other_readings"] == ["first-long"]
    assert shown["rules"]["3.4.1-wait"]["status"] is None
    assert set(shown["sources"]) == {"C", "S"}
    assert told_json("--mehrs", "2.0", "--mam", "3.0")["overlay"] is None


def test_versions_by_date() -> None:
    shown = told_json("--as-of", "2021-04-30")
    assert (shown["mehrs"]["version"], shown["mam"]["version"]) == ("5.0", "4.0")
    shown = told_json("--as-of", "2020-06-10", "--mam", "3.0")
    assert (shown["mehrs"]["version"], shown["mam"]["version"]) == ("2.0", "3.0")


def test_diff_shows_values_and_statuses() -> None:
    text = told("--diff", "5.0-draft", "5.0")
    assert (
        "changed  parameter 3.4.1.wait\n"
        "      from 5 min, proposed [C s4.2.1]\n"
        "      to   4 h, concluded [C s5]\n"
    ) in text
    assert "3.1.long-interval" not in text
    assert text.endswith("5 changed, 36 unchanged\n")
    text = told("--diff", "2.0", "2.1-draft")
    assert "      from 2 h, concluded [S row 4]\n      to   30 min, proposed [S row 4]\n" in text
    assert "new      rule 2.5.4-no-mgf\n           DA, proposed [S row 11]\n" in text
    assert "new      parameter 3.3.interval\n           unsourced, placeholder 30 min" in text
    back = told("--diff", "2.1-draft", "2.0")
    assert "gone     rule 2.5.4-no-mgf\n           DA, proposed [S row 11]\n" in back
    carried = told("--diff", "2.1-draft", "5.0-draft", "--group", "DA")
    assert "from 24 h, proposed [S row 10]\n      to   24 h, carried [S row 10]" in carried
    assert "3.4.1" not in carried


def test_diff_of_the_mam_and_of_nothing() -> None:
    text = told("--diff", "3.0", "4.0")
    assert "new      rule MAM-split-week\n           all groups, concluded [C s5]\n" in text
    assert told("--diff", "5.0", "5.0").endswith("\n0 changed, 41 unchanged\n")


def test_diff_as_json() -> None:
    shown = told_json("--diff", "5.0-draft", "5.0")
    assert (shown["kind"], shown["unchanged"]) == ("MEHRS", 36)
    assert shown["from"]["hash"] == load_document("MEHRS", "5.0-draft").digest
    assert {
        "id": "3.4.1.repeats",
        "what": "parameter",
        "from": "3, proposed [C s4.2.1]",
        "to": "5, concluded [C s5]",
    } in shown["changes"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--mehrs", "5.0-drft"], "did you mean '5.0-draft'?"),
        (["--mam", "5.0"], "expected a version of the MAM held here (3.0, 4.0), got '5.0'"),
        (["--as-of", "April"], "--as-of: expected a date such as 2021-04-30, got 'April'"),
        (["--as-of", "2020-10-01"], "as of 2020-10-01: which MEHRS was in force is not known"),
        (["--as-of", "2021-04-30", "--mehrs", "5.0"], "expected --mehrs or --as-of, got both"),
        (["--overlay", "gone.yaml"], "gone.yaml: no such file"),
        (["--diff", "3.0", "5.0"], "expected two versions of the MEHRS or two of the MAM"),
        (["--diff", "5.0", "5.1"], "held here (2.0, 2.1-draft, 5.0-draft, 5.0), got '5.1'"),
        (["--diff", "2.0", "5.0", "--mam", "3.0"], "--diff names its versions itself"),
    ],
)
def test_what_is_refused(arguments: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        told(*arguments)
    assert complaint in str(caught.value)


def test_help_has_an_example_and_imports_no_yaml() -> None:
    code = (
        "import sys\n"
        "from bench.cli.rules import rules\n"
        "rules(['--help'], standalone_mode=False)\n"
        "sys.exit('yaml' in sys.modules or 'pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "smets1-bench rules --diff 5.0-draft 5.0" in done.stdout
