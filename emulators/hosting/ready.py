"""The line that says a hosted device can be reached: what a foreign client needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.hosting import Hosted
from bench.installation import DeviceSpec
from drivers.profiles.dlms import DlmsProfile
from drivers.profiles.profile import Profile


def ready_line(
    hosted: Hosted, profile: Profile, port: str, spec: DeviceSpec | None
) -> Mapping[str, Any]:
    """`spec`: who the device is, where it is one of the installation."""
    line = profile.line.settings
    said: dict[str, Any] = {
        "ready": hosted.name,
        "role": str(hosted.role),
        "port": port,
        "profile": profile.profile,
        "protocol": _protocol(profile),
        "line": f"{line.baud} {line.data_bits}{line.parity.value}{line.stop_bits:g}",
        "addresses": _addresses(profile),
        "kit": "EMULATED",
    }
    if spec is not None:
        said |= {"eui64": spec.eui64, "serial-number": spec.serial_number}
    return said


def _protocol(profile: Profile) -> str:
    if profile.dlms is not None:
        return "dlms" if profile.dlms.sign_on is None else "iec62056-21, dlms"
    return "console" if profile.console is not None else "modbus-rtu"


def _addresses(profile: Profile) -> Mapping[str, Any]:
    if profile.modbus is not None:
        return {"unit": profile.modbus.unit}
    return {} if profile.dlms is None else _dlms_addresses(profile.dlms)


def _dlms_addresses(dlms: DlmsProfile) -> Mapping[str, Any]:
    clients = {
        name: {"address": client.address, "security": str(client.security)}
        for name in ("public", "reader", "keys")
        if (client := getattr(dlms.clients, name)) is not None
    }
    provers = {f"prove-{slot}": {"address": each.proof} for slot, each in dlms.key_slots.items()}
    return {
        "logical": dlms.hdlc.logical,
        "physical": dlms.hdlc.physical,
        "clients": clients | provers,
    }
