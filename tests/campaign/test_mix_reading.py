"""What is wrong with a mix is said with its place, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.campaign.mix import Kind
from bench.campaign.mix_reading import read_mix
from bench.errors import UsageError
from bench.shipped import find, names

BASE = """\
mix: small
daily-capacity: 10
installations:
  - {installation: da-dual-fuel, share: 1}
  - {installation: ea-dual-fuel, share: 1}
"""
CONDITION = "conditions:\n  - {condition: odd, kind: wan, per-10000: 5, %s}\n"


@pytest.mark.parametrize("name", names("mixes"))
def test_shipped_mixes_are_right(name: str) -> None:
    mix = read_mix(find("mixes", name)).mix
    assert mix.mix == name
    assert {condition.kind for condition in mix.conditions} == set(Kind)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BASE.replace("small", "Small one"), "mix: expected a name of small letters"),
        (BASE.replace("10\n", "0\n"), "daily-capacity: expected a whole number from 1, got 0"),
        (BASE + "held-back: 10\n", "held-back: expected from 0 to less than the daily capacity"),
        (BASE + "held-back: -1\n", "held-back: expected from 0 to less than the daily capacity"),
        (BASE + "start: 0001-01-01T00:00:00Z\n", "6:8: start: expected a time from 1970-01-02"),
        (BASE + "start: 1970-01-01T00:00:00Z\n", "start: expected a time from 1970-01-02 to 2999"),
        (BASE + "start: 9999-12-31T00:00:00Z\n", "start: expected a time from 1970-01-02 to 2999"),
        (
            BASE + "delays:\n  authorises-after: {least: 0s, most: 9999999d}\n",
            "7:39: delays.authorises-after.most: expected a span of at most 10000d",
        ),
        (
            BASE + "delays:\n  files-after: {least: 1ms, most: 12d}\n",
            "delays.files-after.least: expected whole seconds where",
        ),
        (
            BASE + "parties: {mcc: {weeks: 90000000, weeks-every: 8d}}\n",
            "6:24: parties.mcc.weeks: expected a whole number from 0 to 1000, got 90000000",
        ),
        (
            BASE + CONDITION % "parties: {mcc: {weeks: -1}}",
            "conditions[0].parties.mcc.weeks: expected a whole number from 0 to 1000, got -1",
        ),
        (BASE + "opening-hours: 25h\n", "opening-hours: expected more than 0 and at most 24h"),
        (BASE.replace("share: 1", "share: 0", 1), "share: expected a whole number from 1, got 0"),
        (BASE.replace("ea-dual", "da-dual"), "stands here twice: add the shares"),
        (BASE.replace("ea-dual", "ea-dul"), "did you mean 'ea-dual-fuel'"),
        (BASE + "delays:\n  files-after: {least: 2h, most: 1h}\n", "most: expected a span not"),
        (BASE + CONDITION % "groups: [DA]", "expected faults, devices, keys or parties"),
        (BASE + CONDITION % "devices: {gsa: {drift-ppm: 5}}", "no device is called 'gsa'"),
        (BASE + CONDITION % "keys: {gsa: missing}", "no device is called 'gsa'"),
        (
            BASE + CONDITION % "faults: [{fault: wan-outge, target: hub, after: "
            "{least: 0s, most: 1s}}]",
            "faults[0]: no fault is called 'wan-outge'",
        ),
        (
            BASE + CONDITION % "faults: [{fault: wan-outage, target: hub}]",
            "expected exactly one of after, when, request",
        ),
        (
            BASE + CONDITION % "parties: {suppliers: {Nothern Energy: {authorises-after: 1h}}}",
            "no supplier is called 'Nothern Energy'",
        ),
        (
            BASE + CONDITION % "devices: {gas: {deviant: nothing}}",
            "deviant",
        ),
        ((BASE + CONDITION % "keys: {gas: missing}").replace("5,", "10001,"), "from 0 to 10000"),
        ((BASE + CONDITION % "keys: {gas: missing}").replace("odd", "none"), "other than 'none'"),
        (BASE.replace("installations:", "installatons:"), "installatons"),
    ],
)
def test_complaints(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_mix(path)
    assert said in str(raised.value)
    assert "small.yaml:" in str(raised.value)


def test_all_complaints_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(BASE.replace("10\n", "0\n").replace("share: 1", "share: 0"))
    with pytest.raises(UsageError) as raised:
        read_mix(path)
    assert len(raised.value.problems) == 3
