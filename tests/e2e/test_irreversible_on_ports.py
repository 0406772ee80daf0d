"""What cannot be undone on real kit, through the command: last, asked for, and checked before.

The meters' keys are given by reference, as those of real ones are, so the bench does not know
beforehand that another process emulates them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.errors import ExitCode
from bench.journal.key_store import FILE, KeyStore
from bench.ledger import beside, read_ledger
from bench.secret import Secret
from drivers.profiles.dlms_keys import demo_meter_keys
from tests.e2e.bench_on_ports import COMMAND, hosted, lay_out

PARTIES = """
    parties:
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 50ms}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}"""

SUITE = f"""\
suite: both
scenarios:
  - scenario: leaves-new-keys
    about: rotates the keys and leaves them
    installation: da-dual-fuel{PARTIES}
    expect: {{outcome: commissioned}}
  - scenario: returns-the-kit
    about: rotates the keys and gives the old ones back
    installation: da-dual-fuel{PARTIES}
    preconditions: {{restore: [restore-keys, switch-back]}}
    expect: {{outcome: commissioned}}
"""


def with_keys_by_reference(station: Path) -> dict[str, str]:
    """Rewrites the station; gives the variables in which the keys are."""
    held: dict[str, str] = {}

    def referred(match: re.Match[str]) -> str:
        eui64, between = match[1], match[2]
        keys: dict[str, object] = {"sua": demo_key(eui64, KeySlot.SUA)}
        shared = demo_meter_keys(eui64)
        keys |= {each.name: getattr(shared, each.name) for each in fields(shared)}
        said = []
        for name, key in keys.items():
            if isinstance(key, Secret):
                variable = f"KEY_{eui64[-2:]}_{name.upper()}"
                held[variable] = key.reveal().hex()
                said.append(f"{name}: env:{variable}")
        return f"eui64: {eui64}\n{between}security: {{{', '.join(said)}}}"

    text = station.read_text(encoding="utf-8")
    pattern = r"eui64: (\S+)\n((?:(?!eui64)[\s\S])*?)security: \{test-keys: true\}"
    station.write_text(re.sub(pattern, referred, text), encoding="utf-8")
    return held


def run(folder: Path, keys: dict[str, str], out: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [
            *COMMAND, "run", "both.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml",
            "--tolerance", "1s", "--out", out, "--json", *options,
        ],
        cwd=folder,
        env=os.environ | keys | {"SMETS1_BENCH_LOCK_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    scenarios: list[dict[str, Any]] = json.loads(done.stdout)["scenarios"]
    assert [each["name"] for each in scenarios] == ["returns-the-kit", "leaves-new-keys"], "last"
    return done.returncode, {each["name"]: each for each in scenarios}


def test_last_asked_for_and_checked_before(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "both.yaml").write_text(SUITE, encoding="utf-8")
    with hosted(tmp_path):
        keys = with_keys_by_reference(tmp_path / "bench.yaml")
        code, asked = run(tmp_path, keys, "asked")
        assert (code, asked["returns-the-kit"]["verdict"]) == (ExitCode.PASS, "pass")
        assert "it cannot be undone" in asked["leaves-new-keys"]["not_run"]
        assert "--yes allows it" in asked["leaves-new-keys"]["not_run"]

        code, allowed = run(tmp_path, keys, "allowed", "--yes")
        assert code == ExitCode.PASS, allowed
        assert {each["verdict"] for each in allowed.values()} == {"pass"}

        code, strange = run(tmp_path, keys, "strange", "--yes")
        assert code == ExitCode.INCONCLUSIVE
        for each in strange.values():
            assert "electricity and gas proved none of the keys" in each["not_run"]
        store = KeyStore.open(tmp_path / "strange" / FILE)
        assert not [*store.every()], "what a meter does not hold is not kept as its key"
        ledger = read_ledger(beside(tmp_path / "bench.yaml"))
        (meter,) = (each for each in ledger.entries.values() if each.name == "electricity")
        assert meter.wrong_keys == 2, "each scenario asked for the old key once"

        code, spared = run(tmp_path, keys, "spared", "--yes")
        assert "may have counted 2 wrong keys" in spared["returns-the-kit"]["not_run"]
    assert code == ExitCode.INCONCLUSIVE
