"""Every object that a DLMS profile names, and what its value must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import CosemData, CosemInteger
from drivers.codecs.errors import ProtocolError
from drivers.confirmation.ledger import Path
from drivers.profiles.dlms import DlmsProfile, IdentityObjects

Fits = Callable[[CosemData], bool]
DATA, REGISTER, CLOCK, SECURITY_SETUP, DISCONNECTOR = 1, 3, 8, 64, 70
_POLICY, _CONTROL_STATE = 2, 3
_A: Final = "a number"


@dataclass(frozen=True, slots=True)
class NamedObject:
    """`path`: where the profile names it. `fits`: whether a value can be what `wanted` says."""

    path: Path
    class_id: int
    name: str
    wanted: str
    fits: Fits
    index: int = 2


def named_objects(profile: DlmsProfile) -> Iterator[NamedObject]:
    """In the order in which they tell most: who it is, then what it measures, then its keys."""
    for key in IdentityObjects.__slots__:
        path: Path = ("dlms", "identity", key.replace("_", "-"))
        yield NamedObject(path, DATA, getattr(profile.identity, key), "text", _is_text)
    if profile.clock:
        yield NamedObject(("dlms", "clock"), CLOCK, profile.clock, "a date and time", _is_moment)
    for number, register in enumerate(profile.registers):
        path = ("dlms", "registers", number, "object")
        yield NamedObject(path, REGISTER, register.object, "a number", _is_number)
    if profile.supply:
        path = ("dlms", "supply")
        yield NamedObject(
            path, DISCONNECTOR, profile.supply, "a control state", _is_state, _CONTROL_STATE
        )
    if profile.payment is not None:
        at, modes = ("dlms", "payment"), set(profile.payment.modes.values())
        yield NamedObject(
            (*at, "mode"), DATA, profile.payment.mode, "one of its modes", modes.__contains__
        )
        yield NamedObject((*at, "balance"), REGISTER, profile.payment.balance, _A, _is_number)
    yield NamedObject(
        ("dlms", "security-setup"), SECURITY_SETUP, profile.security_setup, _A, _is_number, _POLICY
    )
    yield from _counters(profile)


def _counters(profile: DlmsProfile) -> Iterator[NamedObject]:
    clients = profile.clients
    for named, client in (("reader", clients.reader), ("keys", clients.keys)):
        if client is not None and client.counter:
            path: Path = ("dlms", "clients", named, "counter")
            yield NamedObject(path, DATA, client.counter, _A, _is_number)
    for slot, where in profile.key_slots.items():
        at = ("dlms", "key-slots", str(slot))
        yield NamedObject((*at, "version"), DATA, where.version, _A, _is_number)
        yield NamedObject((*at, "check-value"), DATA, where.check_value, "octets", _is_octets)
        yield NamedObject((*at, "counter"), DATA, where.counter, _A, _is_number)
        if where.proof_counter:
            yield NamedObject((*at, "proof-counter"), DATA, where.proof_counter, _A, _is_number)


def _is_text(value: CosemData) -> bool:
    return isinstance(value, str | bytes) and len(value) > 0


def _is_octets(value: CosemData) -> bool:
    return isinstance(value, bytes)


def _is_number(value: CosemData) -> bool:
    return isinstance(value, CosemInteger)


def _is_state(value: CosemData) -> bool:
    return isinstance(value, CosemInteger) and value in (0, 1, 2)


def _is_moment(value: CosemData) -> bool:
    try:
        shown = CosemDateTime.from_bytes(value) if isinstance(value, bytes) else value
        return isinstance(shown, CosemDateTime) and shown.to_utc() is not None
    except ProtocolError:
        return False
