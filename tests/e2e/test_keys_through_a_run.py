"""What a run on ports says of the meters' keys is what the meters hold, scenario after scenario."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.errors import ExitCode
from bench.journal.key_store import FILE, KeyStore
from bench.ledger import beside, read_ledger
from tests.e2e.bench_on_ports import COMMAND, hosted, lay_out

METERS = {"electricity": "70-B3-D5-1F-30-A0-77-01", "gas": "70-B3-D5-1F-30-A0-77-02"}

SCENARIO = """\
  - scenario: {name}
    about: rotates the keys
    installation: da-dual-fuel
    preconditions: {{restore: [{restore}]}}
    parties:
      smso: {{transfer-takes: 50ms, take-back-takes: 50ms, files-after: 50ms}}
      requesting-party: {{submits-after: 50ms}}
      suppliers: {{Northern Energy: {{authorises-after: 50ms}}}}
    expect: {{outcome: commissioned, keys: {{electricity: new, gas: new}}}}
"""
SUITE = "suite: keys\nscenarios:\n" + "".join(
    SCENARIO.format(name=name, restore=restore)
    for name, restore in (
        ("gives-back", "restore-keys, switch-back"),
        ("leaves", "switch-back"),
        ("comes-after", "switch-back"),
    )
)


def bench(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env={**os.environ, "SMETS1_BENCH_LOCK_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def test_the_key_that_is_current_is_the_one_the_meter_holds(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "keys.yaml").write_text(SUITE, encoding="utf-8")
    words = ["run", "keys.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml"]
    with hosted(tmp_path):
        code, told = bench(tmp_path, *words, "--tolerance", "1s", "--out", "run", "--json")
    assert code == ExitCode.PASS, told
    gave_back, left, after = json.loads(told)["scenarios"]
    assert (gave_back["verdict"], left["verdict"]) == ("pass", "pass")
    assert after["not_run"] == (
        "its preconditions do not hold: 'leaves' before it left electricity and gas with another "
        "SUA key, or may have: give 'leaves' `preconditions: {restore: [restore-keys]}`"
    )
    store = KeyStore.open(tmp_path / "run" / FILE)
    ledger = read_ledger(beside(tmp_path / "bench.yaml"))
    listed = bench(tmp_path, "keys", "run")[1].splitlines()
    for name, eui64 in METERS.items():
        place = f"{name}/{KeySlot.SUA}"
        back = store.ring("gives-back")[place]
        assert back["current"] == demo_key(eui64, KeySlot.SUA)
        now = ledger.entries[eui64]
        assert (now.key, now.wrong_keys) == (store.ring("leaves")[place]["current"].check_value, 0)
        assert [line for line in listed if place in line] == [
            f"{back['current'].check_value}  previous  {place} of gives-back",
            f"{back['previous'].check_value}  previous  {place} of gives-back",
            f"{now.key}  current   {place} of leaves",
        ]
    assert store.ring("comes-after") == {}
