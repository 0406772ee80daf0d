"""Whatever is asked and whatever fails, in any order: only the promised errors, and sound books."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.devices import KeySlot, Meter, PaymentMode
from bench.emulation import FaultSpec, Moment
from bench.errors import BenchError, PeerError
from bench.secret import Secret
from bench.units import HOUR, MINUTE
from emulators.faults import FAULTS
from emulators.faults.registry import Option

if TYPE_CHECKING:
    from tests.emulators.conftest import World

SUA = KeySlot.SUA
KEYS = [Secret(bytes([n] * 16), f"key {n}") for n in range(4)]

Act = Callable[["World"], object]


def acts(number: int) -> dict[str, Act]:
    """Everything that can be asked of the installation; `number` varies the arguments."""
    calls: dict[str, Act] = {
        "hub reboot": lambda w: w.hub.reboot(),
        "hub wake": lambda w: w.hub.wake(),
        "wan": lambda w: w.hub.wan_state(),
        "han": lambda w: w.hub.han_devices(),
        "join": lambda w: w.hub.permit_join(number * 60),
        "remove": lambda w: w.hub.remove_device(w.eui64(("gas", "display")[number % 2])),
        "mirror": lambda w: w.hub.mirrored_registers(w.eui64("gas")),
        "diagnostics": lambda w: w.hub.diagnostics(),
        "display": lambda w: w.display.display_state(),
        "transfer": lambda w: w.parties.smso.transfer_account(),
        "back": lambda w: w.parties.smso.take_account_back(),
        "holder": lambda w: w.parties.smso.account_holder(),
        "chf": lambda w: w.parties.dsp.update_chf(),
        "incident": lambda w: w.parties.dsp.raise_incident("x"),
        "calendar": lambda w: w.parties.mcc.calendar(),
        "common": lambda w: w.parties.ioc_s1sp.validate_common(()),
        "wait": lambda w: w.wait(number * 10 * MINUTE),
        "truth": lambda w: w.emulated.truth(),
    }
    for name in ("electricity", "gas"):
        calls |= {f"{name} {what}": act for what, act in meter_acts(name, number).items()}
    return calls


def meter_acts(name: str, number: int) -> dict[str, Act]:
    key = KEYS[number % 4]

    def meter(world: World) -> Meter:
        return cast(Meter, world.emulated.devices[name])

    return {
        "clock": lambda w: meter(w).read_clock(),
        "set": lambda w: meter(w).set_clock(number * HOUR),
        "registers": lambda w: meter(w).read_registers(),
        "supply": lambda w: meter(w).supply_state(),
        "payment": lambda w: meter(w).read_payment(),
        "state": lambda w: meter(w).key_state(SUA),
        "prove": lambda w: meter(w).prove_key(SUA, key),
        "rotate": lambda w: meter(w).rotate_key(SUA, key, number),
    }


@st.composite
def fault_specs(draw: st.DrawFn) -> FaultSpec:
    fault = draw(st.sampled_from(list(FAULTS.values())))
    roles = {"electricity-meter": "electricity", "gas-meter": "gas", "comms-hub": "hub"}
    targets = [roles.get(role, "display") for role in sorted(fault.roles)]
    target = draw(st.sampled_from([*targets, *sorted(map(str, fault.parties))]))
    moment = draw(
        st.one_of(
            st.builds(Moment, after=st.integers(0, 3 * HOUR)),
            st.builds(Moment, request=st.just("*"), nth=st.integers(1, 4)),
        )
    )
    lasts = draw(st.none() | st.integers(1, 2 * HOUR)) if Option.LASTS in fault.options else None
    times = draw(st.integers(1, 4)) if Option.TIMES in fault.options else 1
    return FaultSpec(fault.name, target, moment, lasts, times)


STEPS = st.lists(
    st.one_of(
        fault_specs(),
        st.tuples(st.sampled_from(sorted(acts(0))), st.integers(0, 9)),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(steps=STEPS, payment=st.sampled_from(PaymentMode))
def test_only_the_promised_errors(
    build: Callable[..., World], steps: list[FaultSpec | tuple[str, int]], payment: PaymentMode
) -> None:
    world = build(payment=payment)
    world.open()
    for step in steps:
        before = world.clock.now()
        if isinstance(step, FaultSpec):
            if payment is PaymentMode.PREPAYMENT or not FAULTS[step.fault].prepayment_only:
                world.emulated.arm(step)
            continue
        name, number = step
        with suppress(PeerError, BenchError):
            acts(number)[name](world)
        assert world.clock.now() >= before
    used = {step.fault for step in steps if isinstance(step, FaultSpec)}
    truth = world.emulated.truth()
    for device in truth.devices.values():
        assert "register-lost" in used or not device.registers_fell
        assert "supply-opened" in used or device.outages == ()
        assert "balance-lost" in used or not device.balance_lost
        for spans in (device.outages, device.power_cuts):
            ends = [moment for span in spans for moment in span if moment is not None]
            assert ends == sorted(ends)
    handed_over = truth.executed["SMSO"]
    there, back = handed_over.get("transfer_account", 0), handed_over.get("take_account_back", 0)
    assert there - back == (truth.account.value == "DCC")


STORY = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import World
from bench.errors import PeerError
from test_any_order import acts
world = World(seed=int(sys.argv[2]))
world.strike("factory-reset", "gas")
for fault in ("reply-lost", "han-loss", "reboot"):
    world.strike(fault, "electricity")
for number in range(4):
    for name, act in acts(number).items():
        try:
            print(world.clock.now(), name, act(world))
        except PeerError as error:
            print(world.clock.now(), name, error)
print(world.emulated.truth())
"""


def told(seed: int, hash_seed: str) -> bytes:
    here = str(Path(__file__).parent)
    return subprocess.run(
        [sys.executable, "-c", STORY, here, str(seed)],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": hash_seed},
    ).stdout


def test_the_same_seed_tells_the_same_story_in_every_process() -> None:
    first = told(7, "1")
    assert len(first.splitlines()) > 100
    assert told(7, "2") == first
    assert told(8, "1") != first
