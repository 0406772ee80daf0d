"""The pytest plugin: suites as tests on request, and nothing at all without one."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

FAILING = """
suite: own
scenarios:
  - scenario: expects-the-wrong-thing
    about: an installation that comes through, expected to fail
    installation: ioc-dual-fuel
    expect: {outcome: failed}
"""


def test_a_shipped_suite_is_collected_and_linked_in_junit(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--suite", "retry", "--junitxml=out.xml")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    cases = ET.parse(pytester.path / "out.xml").getroot().findall(".//testcase")
    assert len(cases) == outcomes["passed"]
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert properties["kit"] == "EMULATED"
    assert str(properties["mehrs"]).startswith("sha256:")


def test_a_scenario_that_misses_its_expectation_fails_and_says_how_to_replay(
    pytester: pytest.Pytester,
) -> None:
    suite = pytester.path / "own.yaml"
    suite.write_text(FAILING, encoding="utf-8")
    result = pytester.runpytest_subprocess("--suite", str(suite))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "outcome: expected failed, got commissioned",
            "replay: smets1-bench run *own.yaml --scenario expects-the-wrong-thing --seed 1",
        ]
    )


def test_a_faulty_suite_is_a_collection_error_with_its_place(pytester: pytest.Pytester) -> None:
    suite = pytester.path / "own.yaml"
    suite.write_text(FAILING.replace("outcome: failed", "outcom: failed"), encoding="utf-8")
    result = pytester.runpytest_subprocess("--suite", str(suite))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*own.yaml:7:14: scenarios?0?.expect*did you mean 'outcome'?*"])


def test_an_unknown_suite_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--suite", "retri")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no suite is called 'retri'; did you mean 'retry'?"])


def test_without_a_suite_the_plugin_does_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            assert "bench.suite_reading" not in sys.modules
            plugin = request.config.pluginmanager.get_plugin("smets1_bench")
            assert not [name for name, value in vars(plugin).items()
                        if type(value).__name__ == "FixtureFunctionDefinition"]
        """
    )
    (pytester.path / "other.yaml").write_text("suite: not asked for\n", encoding="utf-8")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
