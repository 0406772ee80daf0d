"""Makes docs/deviants.md: the catalogues of deviants, from their docstrings.

`python -m tests.deviants.doc --write` writes it; a test checks that it is current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.expectations import KEPT
from bench.invariant import Invariant
from emulators.deviants import DEVIANTS

TARGET = Path(__file__).parent.parent.parent / "docs" / "deviants.md"

HEAD = """# Deviants

Made by `make docs` from the deviants' docstrings; a test fails when it is out of date.
`smets1-bench list deviants` and `smets1-bench list s1sps` list the same.

A bench is worth the bad devices it catches. A deviant is an emulated device that misbehaves in one
way, or an S1SP that breaks one rule: a small class with one sentence, in `emulators/deviants` and
`bench/deviant_s1sps`. The engine knows of neither. `python -m tests.deviants` runs every one of
them through every scenario of `certify`, and good devices by seeds; `make prove` writes its table
into [evidence.md](evidence.md).

## Using one

In a suite, where the scenario passes when the bench finds what the deviant does:

```yaml
  - scenario: deviant-drifts
    about: the clock gains 18 seconds an hour; commissioning sets it right, and the bench says so
    installation: ioc-dual-fuel
    deviants: {electricity: drifts-its-clock}
    expect: {outcome: commissioned, found: {electricity: [clock-off]}}
```

`s1sp:` puts a deviant S1SP in the place of the engine; the rule that catches it stands under
`expect: rules:`:

```yaml
  - scenario: deviant-impatient
    about: the S1SP tries again before the wait is over
    installation: ioc-dual-fuel
    s1sp: retries-too-early
    faults:
      - {fault: wan-outage, target: hub, when: {event: step, section: "2.5.10"}, lasts: 6h}
    expect: {outcome: commissioned, rules: {3.1-long-interval: failed}}
```

`smets1-bench run deviants` runs the shipped examples.

On a station, where a certification suite must fail:

<!-- file: drifting.yaml -->
```yaml
station: drifting
devices:
  electricity: {deviant: drifts-its-clock}
```

<!-- exits: 1 -->
```console
$ smets1-bench run commissioning --station drifting.yaml
```

So does `certify`, which holds every suite.

Hosted for another client: `smets1-bench emulate electricity-meter --deviant drifts-its-clock`.
On a line a meter proves its key with the protocol's own cryptography: the proof is made with the
key itself, and no meter can make one with a key that it does not hold. So `proves-any-key` shows
over `direct:` only; on a line such a meter proves what it holds like any other.

## What every device must keep

The bench judges conduct by what a device answered and by what is really so before and after
(`bench/conduct`); on real kit by what can be read back. None of it is a requirement of the MEHRS.
Each finding names the device, what it did, the step and the time. `expect: allows:` says what a
scenario lets pass, for its fault does it; what is marked with an asterisk is not judged of a device
that a fault of the scenario keeps from answering.

"""


def make() -> str:
    lines = ["| finding | expected of every device |", "|---|---|"]
    lines += [f"| `{each}`{'*' if each.of_answers else ''} | {KEPT[each]} |" for each in Invariant]
    lines += [
        "",
        "## Devices",
        "",
        "| deviant | role | what it does | found as |",
        "|---|---|---|---|",
    ]
    for deviant in DEVIANTS.values():
        lines.append(
            f"| `{deviant.name}` | {deviant.role} | {deviant.description} | `{deviant.breaks}` |"
        )
    lines += ["", "## S1SPs", "", "| deviant | what it does | breaks |", "|---|---|---|"]
    for s1sp in DEVIANT_S1SPS.values():
        lines.append(f"| `{s1sp.name}` | {s1sp.description} | `{s1sp.rule}` |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        TARGET.write_text(make(), encoding="utf-8")
    else:
        sys.stdout.write(make())
