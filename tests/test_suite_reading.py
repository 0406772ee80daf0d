"""A suite file with mistakes: all of them at once, each with file, line, column and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import UsageError
from bench.migration.defaults import shipped
from bench.shipped import find, names
from bench.suite import FaultEntry, KeyKnown, Restore
from bench.suite_reading import Forced, read_suite
from bench.units import MINUTE, parse_instant

Refuse = Callable[..., list[str]]

GOOD = """\
suite: good
scenarios:
  - scenario: one
    about: a DA installation
    installation: da-dual-fuel
    expect: {outcome: commissioned}
"""


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Writes files, runs the first through the command, and returns the complaints it printed.

    In every case: exit 2, nothing on standard output, no traceback, no run folder.
    """

    def refuse(text: str | bytes, **others: str) -> list[str]:
        monkeypatch.chdir(tmp_path)
        for name, content in {"f": text, **others}.items():
            raw = content if isinstance(content, bytes) else content.encode()
            Path(f"{name}.yaml").write_bytes(raw)
        result = CliRunner().invoke(main, ["run", "f.yaml", "--out", "out"])
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert "internal error" not in result.stderr
        assert not Path("out").exists()
        lines = result.stderr.splitlines()
        return [line.removeprefix("error: ") for line in lines if not line.startswith("hint: ")]

    return refuse


def scenario(*lines: str) -> str:
    """A suite of one good scenario with more lines; they stand from line 7 on."""
    return GOOD + "".join(f"    {line}\n" for line in lines)


# --- the file itself -----------------------------------------------------------------------------

FILES: list[tuple[str, str | bytes, list[str]]] = [
    (
        "an empty file",
        "",
        ["f.yaml:1:1: expected a mapping (lines such as `key: value`), got an empty file"],
    ),
    (
        "only a comment",
        "# nothing\n",
        ["f.yaml:1:1: expected a mapping (lines such as `key: value`), got an empty file"],
    ),
    (
        "a list",
        "- suite\n",
        ["f.yaml:1:1: expected a mapping (lines such as `key: value`), got a list of 1"],
    ),
    (
        "a suite of nothing",
        "suite: x\n",
        ["f.yaml:1:1: expected scenarios or includes, got neither"],
    ),
    (
        "unknown and missing keys",
        "suit: x\nscenarios:\n  - scenario: a\n    expct: {}\n",
        [
            "f.yaml:1:1: missing key 'suite'; is it 'suit'?",
            "f.yaml:1:1: suit: unknown key 'suit'; did you mean 'suite'?",
            "f.yaml:3:5: scenarios[0]: missing key 'about'",
            "f.yaml:3:5: scenarios[0]: missing key 'installation'",
            "f.yaml:3:5: scenarios[0]: missing key 'expect'; is it 'expct'?",
            "f.yaml:4:5: scenarios[0].expct: unknown key 'expct'; did you mean 'expect'?",
        ],
    ),
    (
        "duplicate keys",
        scenario("about: again", "faults: []", "faults: []"),
        [
            "f.yaml:7:5: scenarios[0].about: 'about' stands here twice, first on line 4",
            "f.yaml:9:5: scenarios[0].faults: 'faults' stands here twice, first on line 8",
        ],
    ),
    (
        "what YAML turns into something else",
        scenario("mehrs: 0012", "mam: on", "start: 12:30:00", "deviant: ~", "overlay: 1e3"),
        [
            "f.yaml:7:12: scenarios[0].mehrs: '0012' can be read as a number in more than one "
            'way; if it is text, quote it: "0012"; if a number, write plain digits',
            "f.yaml:8:10: scenarios[0].mam: 'on' reads as true in some YAML; if it is text, "
            'quote it: "on"; else write true',
            "f.yaml:9:12: scenarios[0].start: '12:30:00' can be read as a number in more than "
            'one way; if it is text, quote it: "12:30:00"; if a number, write plain digits',
            "f.yaml:10:14: scenarios[0].deviant: '~' reads as null in some YAML; if it is text, "
            'quote it: "~"; else write null',
            "f.yaml:11:14: scenarios[0].overlay: '1e3' can be read as a number in more than one "
            'way; if it is text, quote it: "1e3"; if a number, write plain digits',
        ],
    ),
    (
        "a number where text is meant",
        scenario("mehrs: 5.0"),
        ['f.yaml:7:12: scenarios[0].mehrs: expected text, got 5.0; quote it: "5.0"'],
    ),
    (
        "anchors and aliases",
        "suite: &x good\nincludes: [*x]\n",
        [
            "f.yaml:1:8: suite: '&x': anchors are not read here; write the value out where it is "
            "wanted",
            "f.yaml:2:12: includes[0]: '*x': aliases are not read here; write the value out",
        ],
    ),
    (
        "a tab",
        "suite: x\nscenarios:\n\t- scenario: a\n",
        [
            "f.yaml:3:1: scenarios: not YAML: while scanning for the next token, found character "
            "that cannot start any token; a tab stands here: indent with spaces"
        ],
    ),
    (
        "binary noise",
        bytes(range(256)) * 8,
        ["f.yaml:2:118: expected UTF-8 text, got byte 0x80"],
    ),
    ("a NUL", "suite: \0\n", ["f.yaml:1:8: expected text, got the control character U+0000"]),
]


@pytest.mark.parametrize(
    ("text", "complaints"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_a_file_that_is_none(refuse: Refuse, text: str | bytes, complaints: list[str]) -> None:
    assert refuse(text) == complaints


def test_a_line_of_a_megabyte(refuse: Refuse) -> None:
    (complaint,) = refuse(f"suite: {'x' * 2_100_000}\n")
    assert complaint == "f.yaml: expected at most 2048 KiB of YAML"
    long = refuse(f"suite: x\nscenarios: {'y' * 1_000_000}\n")
    assert len(long) == 1
    assert long[0].startswith("f.yaml:2:12: scenarios: expected a list, got 'yyyyy")
    assert len(long[0]) < 200, "what is shown of it is short"


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my-suite.yaml").write_text(GOOD)
    Path("folder.yaml").mkdir()
    for given, said in [
        ("my-siute.yaml", "my-siute.yaml: no such file; did you mean 'my-suite.yaml'?"),
        ("folder.yaml", "folder.yaml: expected a YAML file, got a folder"),
        ("defualt", "no suite is called 'defualt'; did you mean 'default'?"),
    ]:
        result = CliRunner().invoke(main, ["run", given, "--out", "out"])
        assert (result.exit_code, result.stderr.splitlines()[0]) == (2, f"error: {said}")


# --- includes ------------------------------------------------------------------------------------


def test_a_file_that_includes_itself(refuse: Refuse) -> None:
    assert refuse("suite: f\nincludes: [f.yaml]\n") == [
        "f.yaml:2:12: includes[0]: 'f.yaml' includes this file: expected a suite that does not"
    ]


def test_a_file_that_includes_itself_by_way_of_others(refuse: Refuse) -> None:
    assert refuse(
        "suite: f\nincludes: [g.yaml]\n",
        g="suite: g\nincludes:\n  - ./h.yaml\n",
        h="suite: h\nincludes: [./././f.yaml]\n",
    ) == [
        "h.yaml:2:12: includes[0]: './././f.yaml' includes this file: "
        "expected a suite that does not"
    ]


def test_includes_that_are_not_there(refuse: Refuse) -> None:
    assert refuse("suite: f\nincludes: [comissioning, gone.yaml, ./folder/x.yaml]\n") == [
        "f.yaml:2:12: includes[0]: no suite is called 'comissioning'; did you mean "
        "'commissioning'?",
        "f.yaml:2:26: includes[1]: expected a suite file, got 'gone.yaml', which does not exist",
        "f.yaml:2:37: includes[2]: expected a suite file, got 'folder/x.yaml', which does not "
        "exist",
    ]


def test_the_same_name_in_two_files(refuse: Refuse) -> None:
    assert refuse(f"{GOOD}includes: [g.yaml]\n", g=GOOD) == [
        "f.yaml:3:15: scenarios[0].scenario: the name 'one' is taken by g.yaml:3"
    ]


def test_complaints_of_all_files_come_at_once(refuse: Refuse) -> None:
    found = refuse(
        f"{scenario('mehrs: 5.1-draft')}includes: [g.yaml, h.yaml]\n",
        g="suite: g\nscenarios: {}\n",
        h="suite: [\n",
    )
    assert [complaint.split(": ")[0] for complaint in found] == [
        "g.yaml:2:12",
        "h.yaml:2:1",
        "f.yaml:7:12",
    ]


# --- what a scenario names -----------------------------------------------------------------------

NAMES: list[tuple[str, list[str], list[str]]] = [
    (
        "version",
        ['mehrs: "5.1"', "mam: draft"],
        [
            "7:12: scenarios[0].mehrs: expected a version of the MEHRS held here (2.0, 2.1-draft, "
            "5.0-draft, 5.0), got '5.1'; did you mean '5.0'?",
            "8:10: scenarios[0].mam: expected a version of the MAM held here (3.0, 4.0), got "
            "'draft'",
        ],
    ),
    (
        "group that the version does not speak of",
        ['mehrs: "2.0"'],
        ["7:12: scenarios[0].mehrs: MEHRS 2.0 does not speak of group DA"],
    ),
    (
        "overlay file",
        ["overlay: gone.yaml"],
        [
            "7:14: scenarios[0].overlay: expected an overlay file, got 'gone.yaml', which does "
            "not exist"
        ],
    ),
    (
        "defaults",
        ["defaults: {pasages: 1, passages: 0, wake-wait: 5, settle-tries: 30min}"],
        [
            "7:16: scenarios[0].defaults.pasages: unknown default 'pasages'; did you mean "
            "'passages'?",
            "7:38: scenarios[0].defaults.passages: expected a whole number from 1, got 0",
            "7:52: scenarios[0].defaults.wake-wait: expected a duration: a whole number and a "
            "unit (s, min, h, d), such as 30min, got 5",
            "7:69: scenarios[0].defaults.settle-tries: expected a whole number from 1, got '30min'",
        ],
    ),
    (
        "meter and supplier",
        [
            "preconditions: {keys: {gass: known, display: known}}",
            "parties: {suppliers: {Northern Enrgy: {}}}",
        ],
        [
            "7:28: scenarios[0].preconditions.keys.gass: unknown meter 'gass'; did you mean 'gas'?",
            "7:41: scenarios[0].preconditions.keys.display: unknown meter 'display'; known: "
            "electricity, gas",
            "8:27: scenarios[0].parties.suppliers['Northern Enrgy']: unknown supplier "
            "'Northern Enrgy'; did you mean 'Northern Energy'?",
        ],
    ),
    (
        "wrong durations and choices",
        [
            "parties: {smso: {transfer: maybe, files-after: 1 hour}, dsp: {resolves-after: 6}}",
            "start: 2021-05-04",
        ],
        [
            "7:32: scenarios[0].parties.smso.transfer: expected one of 'accepted', 'refused', "
            "'silent', 'reply-lost', got 'maybe'",
            "7:52: scenarios[0].parties.smso.files-after: expected a duration: a whole number and "
            "a unit (s, min, h, d), such as 30min, or never, got '1 hour'",
            "7:83: scenarios[0].parties.dsp.resolves-after: expected a duration: a whole number "
            "and a unit (s, min, h, d), such as 30min, or never, got 6",
            "8:12: scenarios[0].start: expected a UTC time such as 2021-04-08T09:30:00Z "
            "(RFC 3339, up to microseconds), got '2021-05-04'",
        ],
    ),
]


@pytest.mark.parametrize(
    ("lines", "complaints"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES]
)
def test_a_scenario_that_names_what_is_not_there(
    refuse: Refuse, lines: list[str], complaints: list[str]
) -> None:
    assert refuse(scenario(*lines)) == [f"f.yaml:{complaint}" for complaint in complaints]


def test_faults_that_cannot_be(refuse: Refuse) -> None:
    """Also under a version that is none: what is wrong with the faults does not hang on it."""
    found = refuse(
        scenario(
            "mehrs: nonsense",
            "faults:",
            "  - {fault: wan-outag, target: hub, after: 0s}",
            "  - {fault: wan-outage, target: hubb, after: 0s}",
            "  - {fault: wan-outage, target: hub}",
            "  - {fault: wan-outage, target: hub, after: 0s, request: wake}",
            "  - {fault: han-loss, target: hub, after: 0s}",
            "  - {fault: han-loss, target: gas, after: 0s, code: X}",
            "  - {fault: refused, target: hub, request: wakee}",
            "  - {fault: refused, target: hub, when: {event: stepp}}",
            "  - {fault: refused, target: hub, request: wake, nth: 0}",
        )
    )
    assert found[0].startswith("f.yaml:7:12: scenarios[0].mehrs: expected a version")
    expected = [
        "f.yaml:9:9: scenarios[0].faults[0]: no fault is called 'wan-outag'; did you mean "
        "'wan-outage'?",
        "f.yaml:10:9: scenarios[0].faults[1]: no target is called 'hubb'; did you mean 'hub'?",
        "f.yaml:11:9: scenarios[0].faults[2]: expected exactly one of after, when, request as its "
        "moment",
        "f.yaml:12:9: scenarios[0].faults[3]: expected exactly one of after, when, request as its "
        "moment",
        "f.yaml:13:9: scenarios[0].faults[4]: han-loss cannot happen to 'hub', only to "
        "electricity-meter, gas-meter, ihd",
        "f.yaml:14:9: scenarios[0].faults[5]: han-loss takes no code",
        "f.yaml:15:9: scenarios[0].faults[6]: 'hub' is never asked 'wakee'; did you mean 'wake'?",
    ]
    assert found[1 : 1 + len(expected)] == expected
    places = [complaint.split(": ")[1] for complaint in found[1 + len(expected) :]]
    assert places == ["scenarios[0].faults[7]", "scenarios[0].faults[8]"]


def test_expectations_that_cannot_be(refuse: Refuse) -> None:
    text = GOOD.replace(
        "{outcome: commissioned}",
        "{outcome: commissioned, keys: {display: new}, attempts: {'3.5': 1},\n"
        "      rules: {3.4.1-wait: passed, 2.5.4-no-mfg: passed}, failed: {2.6.6: X1, 2.5.99: X2}}",
    )
    found = refuse(text)
    starts = [
        "f.yaml:6:44: scenarios[0].expect.keys.display: unknown meter 'display'; known: ",
        "f.yaml:6:70: scenarios[0].expect.attempts['3.5']: unknown retry section '3.5'; did you",
        "f.yaml:7:15: scenarios[0].expect.rules['3.4.1-wait']: unknown rule '3.4.1-wait' of group "
        "DA in this version; known: 2.3.2-authorised-first, ",
        "f.yaml:7:35: scenarios[0].expect.rules['2.5.4-no-mfg']: unknown rule '2.5.4-no-mfg' of "
        "group DA in this version; did you mean '2.5.4-no-mgf'?",
        # 2.6.6 is a section, but no step of it can fail: what fails there is an incident
        "f.yaml:7:67: scenarios[0].expect.failed['2.6.6']: unknown section '2.6.6' of group DA",
        "f.yaml:7:78: scenarios[0].expect.failed['2.5.99']: unknown section '2.5.99' of group DA",
    ]
    assert len(found) == len(starts)
    for complaint, start in zip(found, starts, strict=True):
        assert complaint.startswith(start)


def test_a_misspelt_outcome(refuse: Refuse) -> None:
    (complaint,) = refuse(GOOD.replace("outcome: commissioned", "outcome: comissioned"))
    assert complaint == (
        "f.yaml:6:23: scenarios[0].expect.outcome: expected one of 'commissioned', 'failed', "
        "'resubmittable', 'parked', got 'comissioned'; did you mean 'commissioned'?"
    )


def test_a_scenario_that_is_asked_for_and_not_there() -> None:
    result = CliRunner().invoke(main, ["run", "retry", "--scenario", "ioc-48h-exhuasted"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        "error: no scenario is called 'ioc-48h-exhuasted'; did you mean 'ioc-48h-exhausted'?"
    )


def test_a_faulty_installation_is_complained_of_once(refuse: Refuse) -> None:
    again = GOOD.replace("da-dual-fuel", "kit.yaml") + (
        "  - {scenario: two, about: x, installation: kit.yaml, expect: {outcome: failed}}\n"
        "  - {scenario: three, about: x, installation: gone.yaml, expect: {outcome: failed}}\n"
        "  - {scenario: four, about: x, installation: da-dual-feul, expect: {outcome: failed}}\n"
    )
    assert refuse(again, kit="installation: x\ngroup: DA\nsuppliers: [A]\ndevices: {}\n") == [
        "kit.yaml:4:10: devices: expected 1 device(s) of role electricity-meter, got 0",
        "kit.yaml:4:10: devices: expected 1 device(s) of role comms-hub, got 0",
        "f.yaml:8:47: scenarios[2].installation: expected an installation file, got 'gone.yaml', "
        "which does not exist",
        "f.yaml:9:46: scenarios[3].installation: no installation is called 'da-dual-feul'; did "
        "you mean 'da-dual-fuel'?",
    ]


# --- what is read when nothing is wrong ----------------------------------------------------------


def test_a_scenario_as_it_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(
        scenario(
            "start: 2021-06-01T00:00:00Z",
            "defaults: {wake-wait: 3min, passages: 2}",
            "preconditions: {account: DCC, keys: {gas: missing}, restore: [restore-keys]}",
            "parties: {smso: {files-after: never}, mcc: {rejects: 2}}",
            "faults: [{fault: clock-step, target: gas, by: -600s, after: 1h}]",
        )
    )
    name, (prepared,) = read_suite(file)
    read = prepared.scenario
    assert (name, prepared.suite, read.scenario) == ("good", "good", "one")
    assert prepared.installation.name == "one", "traces tell scenarios apart by it"
    assert read.start == parse_instant("2021-06-01T00:00:00Z")
    assert prepared.overrides == {"wake-wait": 3 * MINUTE, "passages": 2}
    assert read.preconditions.keys == {"gas": KeyKnown.MISSING}
    assert read.preconditions.restore == (Restore.KEYS,)
    assert (read.parties.smso.files_after, read.parties.mcc.rejects) == (None, 2)
    assert read.parties.smso.transfer_takes == 5 * MINUTE, "what is left out has its default"
    assert read.faults[0].by == -10 * MINUTE
    assert prepared.strategy.mehrs.version == "5.0"


def test_paths_are_beside_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "kit.yaml").write_bytes(find("installations", "da-electricity-only").read_bytes())
    (folder / "g.yaml").write_text(GOOD.replace("da-dual-fuel", "kit.yaml"))
    (tmp_path / "f.yaml").write_text("suite: f\nincludes: [suites/g.yaml]\n")
    monkeypatch.chdir("/")
    _, (prepared,) = read_suite(tmp_path / "f.yaml")
    assert [device.name for device in prepared.installation.meters] == ["electricity"]


def test_the_command_line_sets_the_version_of_scenarios_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(scenario('mam: "3.0"'))
    _, (prepared,) = read_suite(file, Forced(mehrs="2.1-draft"))
    assert (prepared.strategy.mehrs.version, prepared.strategy.mam.version) == ("5.0", "3.0")
    file.write_text(scenario())
    _, (prepared,) = read_suite(file, Forced(mehrs="2.1-draft"))
    assert (prepared.strategy.mehrs.version, prepared.strategy.mam.version) == ("2.1-draft", "4.0")
    for forced in (Forced(mehrs="9.9"), Forced(mam="9.9")):
        with pytest.raises(UsageError, match=r"^expected a version of the M\w+ held here"):
            read_suite(file, forced)
    _, (prepared,) = read_suite(file, Forced(mehrs="2.0"))
    assert prepared.not_run == "MEHRS 2.0 does not speak of group DA"
    file.write_text(scenario('mehrs: "2.0"'))
    with pytest.raises(UsageError, match=r"MEHRS 2\.0 does not speak of group DA"):
        read_suite(file)


@pytest.mark.parametrize("name", names("suites"))
def test_shipped_suites_read(name: str) -> None:
    _, scenarios = read_suite(find("suites", name))
    told = [prepared.scenario.scenario for prepared in scenarios]
    assert told
    assert all(re.fullmatch(r"[a-z0-9.-]+", each) for each in told)
    assert all(set(prepared.overrides) <= set(shipped()) for prepared in scenarios)


def test_the_default_suite_holds_every_other_one() -> None:
    _, everything = read_suite(find("suites", "default"))
    held = {prepared.suite for prepared in everything}
    beside = {"bench-faults", "certify", "default", "deviants", "soak"}
    assert held == set(names("suites")) - beside
    certified = {prepared.suite for prepared in read_suite(find("suites", "certify"))[1]}
    assert certified == held | {"soak"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (FaultEntry("wan-never", "hub", after=0), "wan-never at hub, 0 s after the opening"),
        (
            FaultEntry("request-lost", "gas", request="rotate_key", nth=2, times=3, code="R1"),
            "request-lost at gas, request rotate_key, nth 2, 3 times, code R1",
        ),
        (
            FaultEntry("clock-step", "gas", when={"event": "file"}, lasts=60_000_000, by=-5),
            "clock-step at gas, when event=file, for 1 min, by -5",
        ),
    ],
)
def test_a_fault_tells_its_whole_schedule(entry: FaultEntry, said: str) -> None:
    assert str(entry) == said


DEVIANCE: list[tuple[str, tuple[str, ...], list[str]]] = [
    (
        "a deviant that nothing catches",
        ("deviants: {electricity: drifts-its-clock}",),
        [
            "f.yaml:7:5: scenarios[0].deviants: a deviant scenario says what catches it: expected "
            "a rule to be failed, what is found of a device, or the bench's own error"
        ],
    ),
    (
        "of another role",
        ("deviants: {gas: drifts-its-clock}", "deviant: gas drifts"),
        [
            "f.yaml:7:21: scenarios[0].deviants.gas: drifts-its-clock is a deviant "
            "electricity-meter, and 'gas' is a gas-meter",
            "f.yaml:8:5: scenarios[0].deviant: a deviant scenario says what catches it: expected a "
            "rule to be failed, what is found of a device, or the bench's own error",
        ],
    ),
    (
        "an S1SP and a device that do not exist",
        ("s1sp: retries-to-early", "deviants: {elektricity: drifts-its-clock}"),
        [
            "f.yaml:7:11: scenarios[0].s1sp: no deviant S1SP is called 'retries-to-early'; did you "
            "mean 'retries-too-early'?",
            "f.yaml:8:5: scenarios[0].deviants: a deviant scenario says what catches it: expected "
            "a rule to be failed, what is found of a device, or the bench's own error",
            "f.yaml:8:16: scenarios[0].deviants.elektricity: unknown device 'elektricity'; did you "
            "mean 'electricity'?",
        ],
    ),
]


@pytest.mark.parametrize(
    ("lines", "complaints"), [case[1:] for case in DEVIANCE], ids=[case[0] for case in DEVIANCE]
)
def test_deviants_are_complained_of(
    refuse: Refuse, lines: tuple[str, ...], complaints: list[str]
) -> None:
    assert refuse(scenario(*lines)) == complaints
