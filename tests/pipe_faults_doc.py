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
- **The byte pipe**, in front of emulated and of real kit: what can happen to any line. A scenario
  names it likewise; on a device without a line (`direct:`) it is *not run*, with the reason. Where
  an emulated fault has the same name, a scenario's is the emulated one; that of the pipe stands
  here as `pipe:NAME`, and is reached from Python only, as `NAME`.
- **The bench itself**: its clock and its disk (target `bench`), and the relay that feeds a device,
  on stations with a relay board ([below](#at-the-bench)).

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

## At the bench

What goes wrong on the bench's side is never booked against a device, and no wait that it casts
doubt on passes. The shipped suite `bench-faults` shows each; it is a suite of its own, since two of
its scenarios stop the run.

```console
$ smets1-bench run bench-faults --scenario bench-clock-set-back
```

- **`bench-clock-step`**: the trace gets an outage of the clock over the whole scenario, and every
  wait in it is *inconclusive*; on any station, in virtual and in real time.
- **`disk-full`**: the run stops (exit 4), and `smets1-bench resume` goes on once there is room; on
  any station. It also takes `request: write` with `nth`, an event of the trace being a write.
- **`unplugged`**: the run stops likewise; on any device with a line. In virtual time the
  adapter is plugged in again when the run is taken up.
- **`relay-stuck`**: the relay is read back, the scenario ends as *bench-error*, and the mains are
  put back; on stations with `kit: relay-board`, for a `power-cut` that a relay does. In virtual
  time no relay is between the bench and an emulated device's mains, and it is *not run* there; on
  kit hosted by `smets1-bench emulate` it sticks as on a real board.

Moments are `after` and `when`, struck with the first event for which they are due.
`expect: bench-error:` says what the bench must blame itself with.

From Python each is a function that stands before a part of the bench, in virtual time too, a stuck
relay before any relay board (`emulators/faults/bench.py`); and a scenario takes it like any other:

```python
from dataclasses import replace

from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite import FaultEntry
from bench.suite_reading import read_suite
from bench.units import HOUR

(prepared,) = read_suite(find("suites", "commissioning"), only=["da-commissioned"])[1]
step = FaultEntry("bench-clock-step", "bench", after=HOUR, by=-HOUR)
ran = run_scenario(replace(prepared, scenario=replace(prepared.scenario, faults=(step,))), seed=1)
assert ran.events[-1].of == "clock"
```
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
    options = ", ".join(f"`{option}`" for option in fault.options)
    return f"| `{fault.name}` | {fault.about} | {targets} | {options} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        TARGET.write_text(make(), encoding="utf-8")
    else:
        sys.stdout.write(make())
