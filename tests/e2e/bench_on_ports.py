"""A bench whose devices are hosted by another process: station, quick profiles, suite, overlay."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.shipped import find

COMMAND = (str(Path(sys.executable).with_name("smets1-bench")),)

DEVICES = {
    "electricity": ("electricity-meter", "EM-1", "generic-dlms-electricity", "01"),
    "gas": ("gas-meter", "GM-1", "generic-dlms-gas", "02"),
    "hub": ("comms-hub", "CH-1", "generic-console-hub", "08"),
    "display": ("ihd", "IHD-1", "generic-console-ihd", "09"),
}

BOARD = "relay-board"

QUICK = {
    "reaction: 50ms": "reaction: 1ms",
    "reply-timeout: 10s": "reply-timeout: 2s",
    "quiet: 12s": "quiet: 500ms",
}

SUITE = """\
suite: on-ports
scenarios:
  - scenario: retried
    about: the first key transfer is lost on its way; a second one is made after the overlay's wait
    installation: da-dual-fuel
    parties:
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 50ms}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}
    operator:
      - {step: before, ask: Is the probe on the electricity meter?, answers: ["yes", "no"]}
      - {step: after, ask: Does the display show a reading?, answers: ["yes", "no"]}
    expect:
      outcome: commissioned
      account: DCC
      keys: {electricity: new, gas: new}
      attempts: {"3.3": 3}
      rules: {3.3-sua-retry: passed, BENCH-key-proof: passed}
      allows: [unanswered]
  - scenario: needs-an-emulated-meter
    about: nobody can reset a real meter from here
    installation: da-dual-fuel
    faults:
      - {fault: factory-reset, target: electricity, after: 1s}
    expect: {outcome: commissioned}
  - scenario: another-group
    about: of a group that this bench does not have
    installation: ea-dual-fuel
    expect: {outcome: commissioned}
"""

MAINS = """\
suite: mains
scenarios:
  - scenario: mains-cut
    about: the meter's relay is opened for a second once the account is with DCC
    installation: da-dual-fuel
    parties:
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 4s}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}
    faults:
      - {fault: power-cut, target: electricity, when: {event: account, holder: DCC}, lasts: 1s}
    expect:
      outcome: commissioned
      account: DCC
      keys: {electricity: new, gas: new}
  - scenario: mains-cut-at-a-request
    about: a relay knows no requests
    installation: da-dual-fuel
    faults:
      - {fault: power-cut, target: hub, request: wan_state, lasts: 1s}
    expect: {outcome: commissioned}
"""

# Every limit is of seconds: the clock is taken to be as uncertain as over the longest of them.
OVERLAY = """\
overlay: seconds
applies-to: "5.0"
parameters:
  2.5.2.file-set-limit: {value: 20s, source: made up for a run of seconds}
  3.3.interval: {value: 2s, source: made up for a run of seconds}
  3.3.repeats: {value: 3, source: made up for a run of seconds}
"""


def lay_out(folder: Path, security: str = "{test-keys: true}") -> None:
    """Writes station, suites and overlay, and a quick profile for each device."""
    lines = [
        "station: bench-1",
        "operator: K. Example",
        "installation:",
        "  group: DA",
        "  devices:",
    ]
    for name, (role, model, profile, number) in DEVICES.items():
        text = find("devices", profile).read_text(encoding="utf-8")
        for usual, quick in QUICK.items():
            text = text.replace(usual, quick)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        lines += [
            f"    {name}:",
            f"      role: {role}",
            f"      eui64: 70-B3-D5-1F-30-A0-77-{number}",
            f"      model: {model}",
            f"      port: {folder / name}",
            f"      profile: ./{name}.yaml",
            "      emulation: {reboot-takes: 500ms}",
        ]
        if role.endswith("meter"):
            lines.append(f"      security: {security}")
    lines += [
        "kit:",
        "  relay-board:",
        f"    port: {folder / BOARD}",
        "    profile: generic-modbus-relay-board",
        "    feeds: {electricity: 1, hub: 2}",
    ]
    (folder / "bench.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "mains.yaml").write_text(MAINS, encoding="utf-8")
    (folder / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")


@contextmanager
def hosted(folder: Path, *options: str, kit: tuple[str, ...] = (BOARD,)) -> Iterator[None]:
    """The station's devices, hosted by another process until the end of the block."""
    words = [*COMMAND, "emulate", "bench.yaml", "--awake", "--no-pacing", "--json", *options]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout is not None
            ready = [json.loads(host.stdout.readline())["ready"] for _ in (*DEVICES, *kit)]
            assert ready == [*DEVICES, *kit]
            yield
        finally:
            host.terminate()
