"""A lab's overlay: what it settles, and every complaint about it at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Status, Strategy

HEAD = 'overlay: lab\napplies-to: "5.0"\nparameters:\n'


def merged(tmp_path: Path, text: str, mehrs: str = "5.0") -> Strategy:
    path = tmp_path / "overlay.yaml"
    path.write_text(text, encoding="utf-8")
    return load_strategy(mehrs, overlay=path)


def complaints(tmp_path: Path, text: str, mehrs: str = "5.0") -> list[str]:
    with pytest.raises(UsageError) as caught:
        merged(tmp_path, text, mehrs)
    prefix = f"{tmp_path}/overlay.yaml:"
    told = [str(problem) for problem in caught.value.problems]
    assert all(line.startswith(prefix) for line in told)
    return [line.removeprefix(prefix) for line in told]


def test_what_an_overlay_supplies_is_settled(tmp_path: Path) -> None:
    strategy = merged(
        tmp_path,
        HEAD
        + '  3.3.interval: {value: 30min, source: "MEHRS V5.0 3.3, our copy"}\n'
        + '  3.3.repeats: {value: 5, source: "MEHRS V5.0 3.3, our copy"}\n'
        + "  3.4.1.counting: {value: attempts, source: MEHRS V5.0\n    3.4.1}\n"
        + "  3.1.short-repeats: {value: 0, source: letter of 2021-05-01}\n",
    )
    interval = strategy.parameters["3.3.interval"]
    assert (interval.value, interval.status, interval.placeholder) == (
        1_800_000_000,
        Status.OVERLAY,
        None,
    )
    assert str(interval.source) == "[MEHRS V5.0 3.3, our copy]"
    assert strategy.count("3.3.repeats") == 5
    counting = strategy.parameters["3.4.1.counting"]
    assert (counting.value, counting.status, counting.other_readings) == ("attempts", "overlay", ())
    assert strategy.count("3.1.short-repeats") == 0
    untouched = strategy.parameters["3.1.short-interval"]
    assert untouched == load_strategy().parameters["3.1.short-interval"]
    assert strategy.mehrs == load_strategy().mehrs  # the version itself stays as it is
    assert strategy.overlay is not None
    assert strategy.overlay.name == "lab"
    assert set(strategy.hashes) == {"mehrs", "mam", "overlay"}


def test_an_overlay_may_correct_a_concluded_value(tmp_path: Path) -> None:
    strategy = merged(tmp_path, HEAD + "  3.4.1.wait: {value: 2h, source: our copy}\n")
    assert strategy.parameters["3.4.1.wait"].status is Status.OVERLAY
    assert strategy.duration("3.4.1.wait") == 7_200_000_000


def test_the_digest_follows_the_content_not_the_layout(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        overlay = merged(tmp_path, text).overlay
        assert overlay is not None
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", overlay.digest)
        return overlay.digest

    base = digest(HEAD + "  3.3.interval: {value: 30min, source: our copy}\n")
    block = "  3.3.interval:\n    # a remark\n    source: 'our  copy'\n    value: 1800s\n"
    assert digest(HEAD + block) == base
    assert digest(HEAD + "  3.3.interval: {value: 31min, source: our copy}\n") != base
    assert digest(HEAD + "  3.3.interval: {value: 30min, source: a copy}\n") != base
    assert digest(HEAD.replace("lab", "lab 2") + block) != base


def test_every_mistake_comes_at_once_with_its_place(tmp_path: Path) -> None:
    text = """\
overlay: ""
applies-to: "2.0"
author: me
parameters:
  3.3.intervall: {value: 30min, source: our copy}
  3.3.interval: {value: 30min}
  3.3.repeats: {value: 5, source: " "}
  3.2.interval: {value: 5, source: our copy}
  3.2.repeats: {value: 30min, source: our copy}
  3.4.1.wait: {value: 4 hours, source: our copy}
  3.4.1.repeats: {value: -1, source: our copy}
  3.4.1.counting: {value: attemps, source: our copy}
  boundary: {value: true, source: our copy}
  2.5.2.file-set-limit: {value: 0h, source: our copy}
  3.1.long-interval: {value: 367d, source: our copy}
  3.1.total-period: 48h
  3.1.short-interval: {valeu: 1min, sauce: our copy}
  3.1.short-repeats: {value: 2.5, source: 5.0}
"""
    unit = "expected a duration: a whole number and a unit (s, min, h, d), such as 30min, got"
    assert complaints(tmp_path, text) == [
        "1:10: overlay: expected a name for the overlay, got an empty text",
        "2:13: applies-to: expected MEHRS 5.0, the version chosen, got '2.0': choose that version, "
        "or use an overlay made for the one chosen",
        "3:1: author: unknown key 'author'",
        "5:3: parameters['3.3.intervall']: MEHRS 5.0 has no parameter '3.3.intervall'; did you "
        "mean '3.3.interval'?",
        "6:17: parameters['3.3.interval']: missing key 'source'",
        "7:35: parameters['3.3.repeats'].source: expected the citation of your own document, "
        "got ' '",
        f"8:25: parameters['3.2.interval'].value: {unit} 5",
        "9:24: parameters['3.2.repeats'].value: expected a whole number from 0 to 100000, got "
        "'30min'",
        f"10:23: parameters['3.4.1.wait'].value: {unit} '4 hours'",
        "11:26: parameters['3.4.1.repeats'].value: expected a whole number from 0 to 100000, "
        "got -1",
        "12:27: parameters['3.4.1.counting'].value: expected one of the readings repeats, "
        "attempts, repeats-of-retry, got 'attemps'; did you mean 'attempts'?",
        "13:21: parameters.boundary.value: expected one of the readings inclusive, exclusive, "
        "got true",
        "14:33: parameters['2.5.2.file-set-limit'].value: expected a duration longer than nothing "
        "and of at most 366d, got '0h'",
        "15:30: parameters['3.1.long-interval'].value: expected a duration longer than nothing "
        "and of at most 366d, got '367d'",
        "16:21: parameters['3.1.total-period']: expected {value: …, source: …}, got '48h'",
        "17:23: parameters['3.1.short-interval']: missing key 'value'",
        "17:23: parameters['3.1.short-interval']: missing key 'source'",
        "17:24: parameters['3.1.short-interval'].valeu: unknown key 'valeu'; did you mean 'value'?",
        "17:37: parameters['3.1.short-interval'].sauce: unknown key 'sauce'; did you mean "
        "'source'?",
        "18:30: parameters['3.1.short-repeats'].value: expected a whole number from 0 to 100000, "
        "got 2.5",
        "18:43: parameters['3.1.short-repeats'].source: expected the citation of your own "
        'document, got 5.0; quote it: "5.0"',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("overlay: x\n", ["1:1: missing key 'applies-to'", "1:1: missing key 'parameters'"]),
        ("applies-to: '5.0'\nparameters: {boundary: {value: exclusive, source: x}}\n",
         ["1:1: missing key 'overlay'"]),
        (HEAD, ["3:12: parameters: expected a mapping of parameters to their value and source, "
                "got nothing"]),
        (HEAD.replace('"5.0"', "5.0") + "  boundary: {value: exclusive, source: x}\n",
         ['2:13: applies-to: expected a MEHRS version, got 5.0; quote it: "5.0"']),
        (HEAD + "  boundary: {value: exclusive, source: x}\n" * 2,
         ["5:3: parameters.boundary: 'boundary' stands here twice, first on line 4"]),
        (HEAD + "  - boundary\n",
         ["4:3: parameters: expected a mapping of parameters to their value and source, got a "
          "list of 1"]),
    ],
    ids=["nothing", "no name", "no parameters", "unquoted version", "duplicate", "list"],
)  # fmt: skip
def test_the_shape_of_the_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert complaints(tmp_path, text) == expected


def test_a_parameter_of_another_version_is_unknown(tmp_path: Path) -> None:
    text = HEAD.replace("5.0", "2.0") + "  3.4.1.wait: {value: 4h, source: x}\n"
    (complaint,) = complaints(tmp_path, text, "2.0")
    assert complaint.startswith("4:3: parameters['3.4.1.wait']: MEHRS 2.0 has no parameter")


def test_the_example_of_the_trace_page(tmp_path: Path) -> None:
    strategy = merged(
        tmp_path,
        "overlay: lab-copy-of-mehrs-5.0\n"
        'applies-to: "5.0"\n'
        "parameters:\n"
        '  3.3.interval: {value: 30min, source: "MEHRS V5.0 3.3, our copy"}\n'
        '  3.3.repeats: {value: 5, source: "MEHRS V5.0 3.3, our copy"}\n',
    )
    assert strategy.overlay is not None
    assert strategy.overlay.name == "lab-copy-of-mehrs-5.0"


def test_a_missing_overlay_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_strategy(overlay=tmp_path / "gone.yaml")
