"""Whether the right kit is on the bench: what is compared, and whose fault it is if not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import pytest

from bench.devices import Device, Identity, Role
from bench.emulation import marked_emulated
from bench.errors import BenchError, Garbled, NoReply, PeerError, PortGone, WrongDevice
from bench.parties import Group
from bench.stage_checks import compare_identities, read_identities
from bench.station.form import InstalledDevice, Security, Station, StationInstallation

EUI64 = "70-B3-D5-1F-30-A0-77-08"
HUB = InstalledDevice(Role.COMMS_HUB, EUI64, "CH-1", port="/dev/ttyUSB0", profile="x")
SAYS = Identity(Role.COMMS_HUB, "S-1", EUI64, "Maker", "CH-1", "7.30")


@dataclass
class Says:
    answer: Identity | PeerError | BenchError

    def identify(self) -> Identity:
        if isinstance(self.answer, PeerError | BenchError):
            raise self.answer
        return self.answer


def test_a_silent_device_is_left_out_and_a_wrong_one_is_the_benchs_fault() -> None:
    devices = {"hub": Says(SAYS), "gas": Says(NoReply("gas", "identify"))}
    heard: dict[str, Identity | None] = {}
    assert read_identities(cast("dict[str, Device]", devices), heard=heard) == {"hub": SAYS}
    assert heard == {"hub": SAYS}
    wrong = {"hub": Says(WrongDevice("hub", "identify", "expected A, got B"))}
    with pytest.raises(BenchError, match="hub: identify: wrong device: expected A, got B"):
        read_identities(cast("dict[str, Device]", wrong), heard=heard)
    assert heard == {"hub": None}


def test_of_a_device_that_may_have_answered_nothing_is_taken_for_granted() -> None:
    devices = {
        "hub": Says(SAYS),
        "gas": Says(Garbled("gas", "identify")),
        "electricity": Says(PortGone("it is gone")),
        "display": Says(SAYS),
    }
    heard: dict[str, Identity | None] = {}
    with pytest.raises(PortGone):
        read_identities(cast("dict[str, Device]", devices), heard=heard)
    assert heard == {"hub": SAYS, "gas": None, "electricity": None}


def complaint(entry: InstalledDevice, says: Identity) -> str:
    station = Station("s", installation=StationInstallation(Group.DA, {"hub": entry}))
    assert station.installation is not None
    installation = station.installation.as_installation("i", ("A",))
    try:
        compare_identities(installation, station, {"hub": says})
    except BenchError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("entry", "says", "expected"),
    [
        (HUB, SAYS, ""),
        (HUB, replace(SAYS, firmware="9"), ""),
        (
            replace(HUB, firmware="7.30", serial_number="S-1"),
            replace(SAYS, firmware="7.31", serial_number="S-2"),
            "hub: expected serial number S-1, got S-2; hub: expected firmware 7.30, got 7.31",
        ),
        (HUB, replace(SAYS, model="CH-2"), "hub: expected model CH-1, got CH-2"),
        (replace(HUB, port="emu:"), replace(SAYS, model="CH-2"), ""),
        (
            replace(HUB, security=Security(test_keys=True)),
            SAYS,
            "hub: expected an emulated device, as it is given test keys",
        ),
        (
            replace(HUB, security=Security(test_keys=True)),
            replace(SAYS, manufacturer=marked_emulated("Maker")),
            "",
        ),
    ],
)
def test_what_is_compared(entry: InstalledDevice, says: Identity, expected: str) -> None:
    assert complaint(entry, says) == expected
