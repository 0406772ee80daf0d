"""`pytest --station`: fixtures, markers, what is refused, and nothing at all unless asked."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.demo_keys import demo_key
from bench.devices import KeySlot

REAL = """
station: a bench with a real port
installation:
  group: DA
  devices:
    hub:
      role: comms-hub
      eui64: 00-1E-5E-00-00-00-00-02
      model: Generic-H
    electricity:
      role: electricity-meter
      eui64: 00-1E-5E-00-00-00-00-01
      model: Generic-E
      port: /dev/serial/by-id/nothing-there
      profile: generic-dlms-electricity
      security: {test-keys: true}
"""


def ask(
    pytester: pytest.Pytester, *words: str, station: str = "emulated-direct"
) -> pytest.RunResult:
    """In a process of its own, as a user's is."""
    return pytester.runpytest_subprocess("--station", station, *words)


def test_a_scenario_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.requirement("2.5.1.1-before-switch")
        def test_commissioned(installation, trace, mehrs):
            before = installation.truth()
            assert installation.commission().outcome == "commissioned"
            judged = trace.check()
            assert not [f for f in judged.findings if f.verdict.label == "fail"]
            after = installation.truth()
            assert before.devices["electricity"].keys != after.devices["electricity"].keys
            assert mehrs.mehrs.version == "5.0"

        def test_devices(electricity_meter, gas_meter, comms_hub, ihd, clock, station):
            assert electricity_meter.identify().eui64 != gas_meter.identify().eui64
            assert comms_hub.identify()
            assert ihd.identify()
            assert clock.mode == "virtual"
            assert station.station.startswith("emulated")

        def test_each_test_has_a_world_of_its_own(installation):
            assert str(installation.truth().account) == "SMSO"
        """
    )
    result = ask(pytester, "--junitxml=out.xml", "--evidence=kept")
    result.assert_outcomes(passed=3)
    cases = ET.parse(pytester.path / "out.xml").getroot().findall(".//testcase")
    told = [{p.get("name"): p.get("value") for p in case.iter("property")} for case in cases]
    assert told[0]["kit"] == "EMULATED"
    assert told[0]["requirement"] == "2.5.1.1-before-switch"
    evidence = Path(str(told[0]["evidence"]))
    assert evidence.parent == pytester.path / "kept"
    assert '"event": "closed", "outcome": "commissioned"' in (evidence / "trace.jsonl").read_text()


def test_a_fault_lies_in_wait(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fault("reply-lost", "SMSO", request="transfer_account")
        def test_it(installation, trace):
            installation.commission()
            assert [e for e in trace.events if e.kind == "account" and e.holder == "DCC"]

        @pytest.mark.fault("power-cut", "electricity", after="0s")
        def test_a_device_that_a_fault_took_is_not_held_against_the_test(installation):
            installation.commission()
        """
    )
    ask(pytester).assert_outcomes(passed=2)


def test_a_device_that_dies_fails_the_test_that_killed_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from bench.emulation import FaultSpec, Moment

        def test_killer(installation, electricity_meter):
            installation.arm(FaultSpec("power-cut", "electricity", Moment(request="identify")))
            try:
                electricity_meter.identify()
            except Exception:
                pass

        def test_victim(electricity_meter):
            assert electricity_meter.identify()
        """
    )
    result = ask(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*DeviceDied: electricity: *"])
    result.stdout.fnmatch_lines(["FAILED *test_killer*"])


def test_what_the_station_lacks_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.needs("gas_meter")
        def test_gas(): assert False

        def test_gas_again(gas_meter): assert False

        @pytest.mark.real_only
        def test_real(): assert False

        @pytest.mark.emulated_only
        def test_emulated(electricity_meter): assert electricity_meter.identify()

        @pytest.mark.needs("power")
        def test_power(): pass

        def test_mains(power): assert False

        @pytest.mark.needs("reference_meter")
        def test_reference(): assert False
        """
    )
    result = ask(pytester, "--installation=da-electricity-only", "-rs")
    result.assert_outcomes(passed=2, skipped=5)
    result.stdout.fnmatch_lines(
        [
            "*needs gas_meter, and the installation * has none*",
            "*for real kit only, and the station is emulated*",
        ]
    )


def test_every_wrong_marker_is_told_at_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.needs("gas_metre")
        def test_one(): pass

        @pytest.mark.fault("reply-lost")
        def test_two(): pass

        @pytest.mark.fault("reply-lost", "SMSO", requst="identify")
        def test_three(): pass

        @pytest.mark.requirement("2.5.1.1-before-swich")
        def test_four(): pass
        """
    )
    result = ask(pytester)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*test_one*'gas_metre'; did you mean 'gas_meter'?",
            "*test_two: fault: expected the fault's name and its target",
            "*test_three*no argument is called 'requst'; did you mean 'request'?",
            "*test_four*'2.5.1.1-before-swich'; did you mean '2.5.1.1-before-switch'?",
        ]
    )


def test_an_unknown_fault_is_said_with_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fault("reply-lots", "SMSO")
        def test_it(installation): pass
        """
    )
    result = ask(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no fault is called 'reply-lots'; did you mean 'reply-lost'?*"])


def test_suites_run_on_the_station(pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".yaml",
        own="""
suite: own
scenarios:
  - scenario: comes-through
    about: it does
    installation: ioc-dual-fuel
    expect: {outcome: commissioned}
  - scenario: asks
    about: a person
    installation: ioc-dual-fuel
    operator: [{step: before, ask: is it plugged?}]
    expect: {outcome: commissioned}
""",
    )
    result = ask(pytester, "--suite=own.yaml", "--evidence=kept", "-rs", station="emulated-emu")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*it asks a person, and nobody is there to be asked*"])
    run = pytester.path / "kept" / "own" / "comes-through"
    assert (run / "trace.jsonl").exists()
    assert list((run / "captures").glob("*.jsonl"))


def test_a_station_that_is_wrong_is_a_usage_error_with_its_place(
    pytester: pytest.Pytester,
) -> None:
    pytester.makefile(".yaml", bad="station: x\ndevices:\n  electricity: {prot: 'emu:'}\n")
    result = ask(pytester, station="bad.yaml")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*bad.yaml:3:*did you mean 'port'?*"])


def test_workers_share_an_emulated_station_but_no_real_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(electricity_meter, number):
            assert electricity_meter.identify()
        """
    )
    pytester.makefile(".yaml", real=REAL)
    ask(pytester, "-n2").assert_outcomes(passed=4)
    refused = ask(pytester, "-n2", station="real.yaml")
    assert refused.ret is pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*one station cannot serve several workers*leave -n out*"])


def test_a_time_out_leaves_junit_and_the_teardown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import time

        def test_hangs(installation):
            time.sleep(60)

        def test_next(electricity_meter):
            assert electricity_meter.identify()
        """
    )
    result = ask(pytester, "--timeout=1", "--junitxml=out.xml", "--evidence=kept")
    result.assert_outcomes(failed=1, passed=1)
    hung, _ = ET.parse(pytester.path / "out.xml").getroot().findall(".//testcase")
    evidence = [p.get("value") for p in hung.iter("property") if p.get("name") == "evidence"]
    assert (Path(str(evidence[0])) / "trace.jsonl").exists()


def test_a_time_out_that_kills_is_refused_on_real_kit(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", real=REAL)
    pytester.makepyfile("def test_it(): pass")
    result = ask(pytester, "--timeout-method=thread", station="real.yaml")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*use timeout_method = signal*"])


def test_a_port_that_is_not_there_is_said_without_a_traceback(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", real=REAL)
    pytester.makepyfile("def test_it(electricity_meter): pass")
    result = ask(pytester, station="real.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the stage cannot be set: *nothing-there*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_no_key_is_shown_with_the_locals(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(installation, electricity_meter):
            secrets = installation.secrets
            held = installation._stage.held
            ring = installation._stage.keys
            assert installation.commission() is None
        """
    )
    result = ask(pytester, "--showlocals", "--junitxml=out.xml")
    result.assert_outcomes(failed=1)
    shown = str(result.stdout) + (pytester.path / "out.xml").read_text()
    from bench.installation_file import read_installation
    from bench.leaks import find_leaks
    from bench.shipped import find

    installation = read_installation(find("installations", "da-dual-fuel"))
    keys = [demo_key(device.eui64, KeySlot.SUA) for device in installation.meters]
    assert find_leaks(shown.encode(), keys) == []


def test_a_project_that_asks_for_nothing_gets_nothing(pytester: pytest.Pytester) -> None:
    """Not even its own names are touched: fixtures and markers called as ours are its own."""
    pytester.makeini(
        "[pytest]\nmarkers =\n    needs: of this project\n    fault: of this project\n"
    )
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def station():
            return "King's Cross"
        """
    )
    pytester.makepyfile(
        """
        import sys
        import pytest

        @pytest.mark.needs("tea")
        @pytest.mark.fault("mine")
        def test_it(station):
            assert station == "King's Cross"
            ours = [name for name in sys.modules if name.split(".")[0] in ("bench", "drivers")]
            assert sorted(ours) == ["bench", "bench.pytest_plugin"]
        """
    )
    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)
    fixtures = pytester.runpytest_subprocess("--fixtures")
    fixtures.stdout.no_fnmatch_line("electricity_meter*")
    markers = pytester.runpytest_subprocess("--markers")
    markers.stdout.no_fnmatch_line("*smets1-bench*")


def test_the_ini_file_may_ask(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsmets1_bench_station = emulated-direct\n")
    pytester.makepyfile("def test_it(comms_hub): assert comms_hub.identify()")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
