"""Makes docs/faults.md: the catalogue of faults, from the docstrings of the faults.

`python -m tests.pipe_faults_doc --write` writes it; a test checks that it is current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.fault_catalogue import FAMILIES, CataloguedFault, Place, catalogue

TARGET = Path(__file__).parent.parent / "docs" / "faults.md"
_ABOUT = {
    "line": "What becomes of a message, or of its octets, on the way.",
    "protocol": "Sound messages that are not the answer that should have come.",
    "device": "What happens to a device, or in it.",
    "network": "The wide-area network, SMS, and the HAN.",
    "process": "What a party does not do, or not when and as it should.",
    "bench": "What goes wrong on this side, for which no device may be blamed.",
}

HEAD = """# Faults

Made by `make docs` from the faults' docstrings; a test fails when it is out of date.
`smets1-bench list faults` lists the same. There are six families, and three places where a fault
can be applied:

- **Emulated devices and parties.** A scenario names it under `faults:` with a target and a moment
  ([suites](suites.md)); from Python it is `EmulatedWorld.arm` ([emulators](emulators.md)); a hosted
  device takes it with `smets1-bench emulate --fault` ([emulate](emulate.md)).
- **The byte pipe**, in front of emulated and of real kit: names that begin with `pipe:`. A scenario
  names it without that, unless an emulated fault has the same name. On a device without a line
  (`direct:`) it is *not run*, with the reason.
- **The bench itself**, from Python only: what a suite describes is the installation.

Devices that misbehave by themselves are not faults but [deviants](deviants.md).
"""

PIPE = """## At the byte pipe

A fault sits between a driver and its port, in front of emulated and of real kit:

```python
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment

plan = FaultPlan(
    (
        PipeFaultSpec("reply-late", PipeMoment(nth=3), lasts=2_000_000),
        PipeFaultSpec("refused", PipeMoment(operation="write-coil"), code="4"),
    ),
    ModbusSpeech(),
)
transport = FaultyTransport(inner, plan, clock, seed=1)
```

- **When.** A fault strikes with the `nth` request of its `operation` (`*`: any) that is begun
  between `after` and `before`, counted from when the transport was made. A request is a burst of
  writes: what is written until something is read. Names of operations need a speech: DLMS has
  `connect`, `associate`, `get`, `set`, `action`, `poll`, …, Modbus `read-holding-registers`,
  `write-coil`, …, a console the commands of its profile.
- **How often.** `times` requests from then on; states of the line last for `lasts`, or for good.
  When two are due for one request, the later in the plan waits for the next.
- **What needs to be known.** A fault with protocols in the table needs a speech (`DlmsSpeech`,
  which also knows the IEC 62056-21 sign-on, `ModbusSpeech`, `ConsoleSpeech` with the dialect of
  the device's profile). Where an answer holds nothing that the fault could damage, it passes, and
  the fault waits for the next request. `transport.struck` tells what was done.
- **Time** is on the injected clock. An answer that is struck is held until the line was silent for
  the plan's `silence` (50 ms), and arrives that much later.
- **The seed.** The same plan, seed and conversation give the same damage.

What no fault here can do: make an authentic message that the keys' holders did not make. A
ciphered answer can be replayed or spoilt, not forged. `busy`, `refused` and
`authentication-failure` keep the request from a Modbus unit or a console; a meter is sent a read of
its association's name in the request's place, since silence would break the link's numbers, but an
association it is asked for it does open.
"""


def make() -> str:
    """The whole document."""
    lines = [HEAD]
    for family in FAMILIES:
        lines += [f"## {family.capitalize()}", "", _ABOUT[family], ""]
        lines += ["| fault | what happens | can happen to | options |", "|---|---|---|---|"]
        lines += [_row(fault) for fault in catalogue() if fault.family == family]
        lines.append("")
    return "\n".join([*lines, PIPE])


def _row(fault: CataloguedFault) -> str:
    targets = ", ".join(fault.targets)
    if fault.place is Place.PIPE:
        targets = f"any line that speaks {targets}" if targets else "any line"
    elif fault.place is Place.BENCH:
        targets = f"`emulators.faults.bench.{fault.name.replace('-', '_')}`"
    options = ", ".join(f"`{option}`" for option in fault.options)
    return f"| `{fault.name}` | {fault.about} | {targets} | {options} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        TARGET.write_text(make(), encoding="utf-8")
    else:
        sys.stdout.write(make())
