"""What is read of a meter that granted a public association, and what its objects usually are.

A bounded choice: the object list, then the objects that a profile needs to name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bench.units import Micros, format_instant
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import CosemData, CosemInteger
from drivers.codecs.dlms_events import Associated
from drivers.codecs.errors import ProtocolError
from drivers.codecs.obis import obis_text
from drivers.identification.asking import AllowanceSpent
from drivers.identification.findings import ListedObject, PublicAssociation, ReadAttribute
from drivers.identification.public_client import ConnectionLost, NotGiven, PublicClient

DATA, REGISTER, CLOCK, ASSOCIATION, SECURITY_SETUP, DISCONNECTOR = 1, 3, 8, 15, 64, 70
DEVICE_NAME: Final = "0.0.42.0.0.255"
_OBJECT_LIST: Final = "0.0.40.0.0.255"
READ_AT_MOST: Final = 40
_LISTED_AT_MOST: Final = 10_000
_TEXT_AT_MOST: Final = 64
_ALWAYS: Final = (ListedObject(DATA, DEVICE_NAME),)
_WITHOUT_A_LIST: Final = (
    *(ListedObject(DATA, f"0.0.96.1.{number}.255") for number in range(5)),
    ListedObject(DATA, "1.0.0.2.0.255"),
    ListedObject(DATA, "0.0.43.1.0.255"),
    ListedObject(DATA, "0.0.43.1.1.255"),
    ListedObject(CLOCK, "0.0.1.0.0.255"),
    ListedObject(REGISTER, "1.0.1.8.0.255"),
)

Say = Callable[[str], None]


def read_meter(client: PublicClient, say: Say) -> PublicAssociation:
    """Asks what the public client may know; whatever is refused is noted and passed over."""
    try:
        granted: Associated = client.associate()
    except NotGiven as no:
        return PublicAssociation(refusal=str(no))
    say("the public client has an association; reading what it may read")
    read: list[ReadAttribute] = []
    objects: tuple[ListedObject, ...] | None = None
    try:
        objects = _object_list(client, read)
        if objects is not None:
            say(f"its object list has {len(objects)} entries")
        _read_each(client, _wanted(objects), read)
    except (ConnectionLost, AllowanceSpent) as lost:
        say(f"reading ended early: {lost or 'as many frames as allowed were sent'}")
    return PublicAssociation(
        title=(granted.server_title or b"").hex().upper(),
        max_pdu=granted.max_pdu,
        services=tuple(
            flag.name.lower().replace("_", "-") for flag in granted.conformance if flag.name
        ),
        objects=objects,
        read=tuple(read),
    )


def _object_list(
    client: PublicClient, read: list[ReadAttribute]
) -> tuple[ListedObject, ...] | None:
    try:
        listed = client.get(ASSOCIATION, _OBJECT_LIST, 2, long=True)
    except ConnectionLost:
        raise
    except NotGiven as no:
        read.append(ReadAttribute(ASSOCIATION, _OBJECT_LIST, 2, refusal=str(no)))
        return None
    if not isinstance(listed, list):
        read.append(ReadAttribute(ASSOCIATION, _OBJECT_LIST, 2, refusal="not a list"))
        return None
    entries = (_entry(item) for item in listed[:_LISTED_AT_MOST])
    return tuple(entry for entry in entries if entry is not None)


def _entry(item: CosemData) -> ListedObject | None:
    match item:
        case (int() as class_id, _, bytes() as name, *_) if len(name) == 6:
            return ListedObject(int(class_id), obis_text(name))
    return None


def _wanted(objects: tuple[ListedObject, ...] | None) -> Iterable[ListedObject]:
    if objects is None:
        return (*_ALWAYS, *_WITHOUT_A_LIST)
    chosen = [each for each in objects if _is_worth_reading(each) and each not in _ALWAYS]
    return (*_ALWAYS, *chosen[:READ_AT_MOST])


def _is_worth_reading(listed: ListedObject) -> bool:
    a, b, c, d, e, _ = (int(part) for part in listed.name.split("."))
    match listed.class_id:
        case 1:
            return (c, d) in ((96, 1), (43, 1)) or (c, d, e) == (0, 2, 0)
        case 3:
            return is_register(listed)
        case 8 | 70:
            return (a, b) == (0, 0)
    return False


def is_register(listed: ListedObject) -> bool:
    """Total import or export of energy, or a gas meter's volume."""
    a, _, c, d, e, _ = (int(part) for part in listed.name.split("."))
    electricity = a == 1 and c in (1, 2) and (d, e) == (8, 0)
    return listed.class_id == REGISTER and (electricity or (a == 7 and c in (1, 3) and e == 0))


_INDICES: Final = {DATA: (2,), REGISTER: (2, 3), CLOCK: (2,), DISCONNECTOR: (3,)}


def _read_each(
    client: PublicClient, wanted: Iterable[ListedObject], read: list[ReadAttribute]
) -> None:
    for each in wanted:
        for index in _INDICES[each.class_id]:
            try:
                value = client.get(each.class_id, each.name, index)
            except ConnectionLost as lost:
                read.append(ReadAttribute(each.class_id, each.name, index, refusal=str(lost)))
                raise
            except NotGiven as no:
                read.append(ReadAttribute(each.class_id, each.name, index, refusal=str(no)))
                break
            number = int(value) if isinstance(value, CosemInteger) else None
            text = value_text(value, clock=each.class_id == CLOCK)
            read.append(ReadAttribute(each.class_id, each.name, index, text, number=number))


def value_text(value: CosemData, *, clock: bool = False) -> str:
    """A value for people; octets as text where they are text, else hexadecimal."""
    if clock and (at := _instant(value)) is not None:
        text = format_instant(at)
    elif isinstance(value, bytes):
        trimmed = value.rstrip(b"\0 ")
        plain = bool(trimmed) and all(0x20 <= octet < 0x7F for octet in trimmed)
        text = trimmed.decode("ascii") if plain else value.hex().upper()
    elif isinstance(value, CosemInteger):
        text = str(int(value))
    elif isinstance(value, tuple):
        text = ", ".join(value_text(part) for part in value)
    else:
        text = str(value)
    return text if len(text) <= _TEXT_AT_MOST else text[:_TEXT_AT_MOST] + "…"


def _instant(value: CosemData) -> Micros | None:
    try:
        shown = CosemDateTime.from_bytes(value) if isinstance(value, bytes) else value
        return shown.to_utc() if isinstance(shown, CosemDateTime) else None
    except ProtocolError:
        return None
