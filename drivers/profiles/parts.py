"""The part of a profile that a driver or a wire server works with."""

from __future__ import annotations

from bench.devices import Role
from bench.errors import UsageError
from drivers.profiles.console import ConsoleProfile
from drivers.profiles.dlms import DlmsProfile
from drivers.profiles.modbus import ModbusProfile, ReferenceMap, RelayMap
from drivers.profiles.profile import Profile


def dlms_part(profile: Profile) -> DlmsProfile:
    """`UsageError`: the profile's device does not speak DLMS."""
    if profile.dlms is None:
        raise UsageError(f"profile {profile.profile}: it has no part 'dlms'")
    return profile.dlms


def console_part(profile: Profile, role: Role) -> ConsoleProfile:
    """`UsageError`: the profile is for another role, or its device has no console."""
    _is_for(profile, role)
    if profile.console is None:
        raise UsageError(f"profile {profile.profile}: it has no part 'console'")
    return profile.console


def relay_part(profile: Profile) -> tuple[ModbusProfile, RelayMap]:
    """`UsageError` as above."""
    _is_for(profile, Role.RELAY_BOARD)
    modbus = profile.modbus
    if modbus is None or modbus.relay_board is None:
        raise UsageError(f"profile {profile.profile}: it has no part 'modbus' with a relay-board")
    return modbus, modbus.relay_board


def reference_part(profile: Profile) -> tuple[ModbusProfile, ReferenceMap]:
    """`UsageError` as above."""
    _is_for(profile, Role.REFERENCE_METER)
    modbus = profile.modbus
    if modbus is None or modbus.reference_meter is None:
        message = "it has no part 'modbus' with a reference-meter"
        raise UsageError(f"profile {profile.profile}: {message}")
    return modbus, modbus.reference_meter


def _is_for(profile: Profile, role: Role) -> None:
    if profile.role is not role:
        raise UsageError(f"profile {profile.profile} is for a {profile.role}, not for a {role}")
