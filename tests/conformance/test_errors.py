"""Whose error it is: the class of each failure, for requests that ask and requests that change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bench.devices import KeySlot
from bench.errors import (
    Ambiguous,
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    Refused,
    WrongDevice,
)
from bench.secret import Secret
from bench.units import HOUR

if TYPE_CHECKING:
    from tests.conformance.conftest import Kit

NEW = Secret(b"\x51" * 16, "new")

# fault, the error of a request that asks, of one that changes, whether the change was made
CLASSES: list[tuple[str, type[PeerError], type[PeerError], bool]] = [
    ("request-lost", NoReply, Ambiguous, False),
    ("reply-lost", NoReply, Ambiguous, True),
    ("reply-late", NoReply, Ambiguous, True),
    ("reply-garbled", Garbled, Ambiguous, True),
    ("refused", Refused, Refused, False),
    ("busy", Refused, Refused, False),
    ("reboot-before-commit", NoReply, Ambiguous, False),
    ("reboot-after-commit", NoReply, Ambiguous, True),
    ("authentication-failed", AuthenticationFailed, AuthenticationFailed, False),
    ("wrong-device", WrongDevice, WrongDevice, False),
]


def caught(act: Callable[[], object]) -> PeerError:
    with pytest.raises(PeerError) as error:
        act()
    return error.value


@pytest.mark.parametrize("name", ["electricity", "gas"])
@pytest.mark.parametrize(("fault", "asking", "changing", "done"), CLASSES)
def test_the_class_of_each_failure(
    kit: Kit,
    name: str,
    fault: str,
    asking: type[PeerError],
    changing: type[PeerError],
    done: bool,
) -> None:
    meter = kit.meter(name)
    kit.fail_next(fault, name, "read_registers")
    error = caught(meter.read_registers)
    assert type(error) is asking
    assert (error.peer, error.operation) == (name, "read_registers")
    kit.wait(HOUR)
    assert meter.read_registers().values, "a read is safe to repeat"

    kit.fail_next(fault, name, "rotate_key")
    error = caught(lambda: meter.rotate_key(KeySlot.SUA, NEW, 1))
    assert type(error) is changing
    kit.wait(HOUR)
    assert meter.prove_key(KeySlot.SUA, NEW) is done
    assert meter.prove_key(KeySlot.SUA, kit.keys[name]) is not done


def test_an_acknowledgement_is_no_proof(kit: Kit) -> None:
    kit.fail_next("acknowledged-not-done", "electricity", "rotate_key")
    kit.electricity.rotate_key(KeySlot.SUA, NEW, 1)
    assert kit.electricity.prove_key(KeySlot.SUA, NEW) is False


def test_a_refusal_carries_the_devices_code(kit: Kit) -> None:
    kit.fail_next("busy", "hub")
    with pytest.raises(Refused) as refusal:
        kit.hub.wan_state()
    assert refusal.value.code == "busy"


def test_a_device_that_is_not_there_costs_the_time_out(kit: Kit) -> None:
    kit.hub.reboot()
    before = kit.clock.now()
    error = caught(kit.hub.reboot)
    assert type(error) is NoReply, "nothing was sent, so nothing is in doubt"
    assert kit.clock.now() - before == kit.spec("hub").emulation.reply_timeout
