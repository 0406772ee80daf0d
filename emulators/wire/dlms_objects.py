"""The COSEM objects of an emulated meter: where its profile says, over the model's state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bench.devices import KeySlot, SupplyState
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import (
    CosemData,
    DoubleLong,
    DoubleLongUnsigned,
    Enumerated,
    Integer,
    Long,
    LongUnsigned,
    Unsigned,
    VisibleString,
)
from drivers.codecs.dlms_services import DataAccessError
from drivers.codecs.errors import ProtocolError
from drivers.codecs.obis import obis, obis_text
from drivers.codecs.xdlms import AccessResult, Attribute, Method
from drivers.profiles.dlms import DlmsProfile
from emulators.models.meter import Meter
from emulators.models.rejection import Rejected

DATA, REGISTER, CLOCK, ASSOCIATION, SECURITY_SETUP, DISCONNECTOR = 1, 3, 8, 15, 64, 70
_VERSIONS: Final = {ASSOCIATION: 1}
_KWH_UNIT, _CUBIC_METRE_UNIT, _CURRENCY_UNIT = 30, 13, 10
_UNITS: Final = {"kWh": (0, _KWH_UNIT), "m³": (-3, _CUBIC_METRE_UNIT)}
"""Scaler and unit of a register that counts in thousandths of the model's unit."""
_CONTROL_STATES: Final = {SupplyState.OFF: 0, SupplyState.ON: 1, SupplyState.ARMED: 2}
_READ, _WRITE = 1, 2

Read = Callable[[], CosemData]
Write = Callable[[CosemData], CosemData]
Act = Callable[[CosemData, int], Callable[[], CosemData]]
"""What a method's parameters and the client that calls it have the meter do, maybe late."""
Suffer = Callable[[str, Callable[[], CosemData], str], CosemData]
"""Carries out what belongs to an operation of the interface, unless a fault strikes it. The text
says which object and attribute or method is meant.
"""


@dataclass(frozen=True, slots=True)
class CosemObject:
    """One object; attribute 1, its name, needs no entry. `public`: anybody may read it.

    `operation`: the interface's, to which a reading of it belongs; faults know requests by it.
    """

    class_id: int
    name: bytes
    reads: Mapping[int, Read]
    writes: Mapping[int, Write] = field(default_factory=dict)
    methods: Mapping[int, Act] = field(default_factory=dict)
    public: bool = False
    operation: str = ""

    @property
    def label(self) -> str:
        """Class and name, as people write them: `3 1.0.1.8.0.255`."""
        return f"{self.class_id} {obis_text(self.name)}"

    def listed(self, writing: bool, acting: bool) -> CosemData:
        """Its entry in the association's object list."""
        attributes: list[CosemData] = [
            (
                Integer(index),
                Enumerated(_READ | (_WRITE if writing and index in self.writes else 0)),
                None,
            )
            for index in (1, *self.reads)
        ]
        methods: list[CosemData] = [
            (Integer(index), Enumerated(int(acting))) for index in self.methods
        ]
        version = Unsigned(_VERSIONS.get(self.class_id, 0))
        return (LongUnsigned(self.class_id), version, self.name, (attributes, methods))


@dataclass(frozen=True, slots=True)
class Rights:
    """What a client address may do. A prover of a key may do nothing beyond proving it."""

    public_only: bool = False
    writes: bool = False
    transfers_keys: bool = False


class MeterObjects:
    """`drivers.codecs.dlms_services.ObjectModel`."""

    def __init__(
        self,
        model: Meter,
        profile: DlmsProfile,
        rights: Mapping[int, Rights],
        *,
        title: bytes,
        newest_seen: Callable[[int], int],
        transfer: Act,
        suffer: Suffer,
        eui64: Callable[[], str],
    ) -> None:
        """`newest_seen`: of a client address; `transfer`: carries out a key transfer; `eui64`: what
        the meter says of itself.
        """
        self._rights = rights
        self._suffer = suffer
        self._refusals = {
            code: AccessResult[word.upper().replace("-", "_")]
            for word, code in reversed(list(profile.refusals.items()))
            if word.upper().replace("-", "_") in AccessResult.__members__
        }
        made = (
            *_identity(model, profile, eui64),
            *_counters(profile, newest_seen),
            *_readings(model, profile),
            *_keys(model, profile),
            _clock(model, profile),
            CosemObject(
                SECURITY_SETUP,
                obis(profile.security_setup),
                {
                    2: lambda: Enumerated(3),  # everything authenticated and encrypted
                    3: lambda: Enumerated(0),  # suite 0
                    4: lambda: profile.title,
                    5: lambda: title,
                },
                methods={2: transfer},
            ),
        )
        self._objects = {(held.class_id, held.name): held for held in made}
        self._current = obis("0.0.40.0.0.255")

    def get(self, attribute: Attribute, client: int) -> CosemData:
        if (attribute.class_id, attribute.name) == (ASSOCIATION, self._current):
            return self._association(attribute, client)
        held = self._found(attribute.class_id, attribute.name, client)
        if attribute.index == 1:
            return held.name
        read = held.reads.get(attribute.index)
        if read is None or attribute.access is not None:
            raise DataAccessError(AccessResult.OBJECT_UNDEFINED)
        return self._carried_out(held.operation, read, f"{held.label}/{attribute.index}")

    def set(self, attribute: Attribute, value: CosemData, client: int) -> None:
        held = self._found(attribute.class_id, attribute.name, client)
        write = held.writes.get(attribute.index)
        if write is None or not self._rights[client].writes:
            raise DataAccessError(AccessResult.READ_WRITE_DENIED)
        what = f"{held.label}/{attribute.index}"
        self._carried_out("set_clock", lambda: write(value), what)

    def action(self, method: Method, parameters: CosemData, client: int) -> CosemData:
        held = self._found(method.class_id, method.name, client)
        act = held.methods.get(method.index)
        if act is None or not self._rights[client].transfers_keys:
            raise DataAccessError(AccessResult.READ_WRITE_DENIED)
        what = f"{held.label}/{method.index}"
        return self._carried_out("rotate_key", act(parameters, client), what)

    def _found(self, class_id: int, name: bytes, client: int) -> CosemObject:
        held = self._objects.get((class_id, name))
        if held is None or not self._visible(held, client):
            raise DataAccessError(AccessResult.OBJECT_UNDEFINED)
        return held

    def _visible(self, held: CosemObject, client: int) -> bool:
        rights = self._rights.get(client)
        return rights is not None and (held.public or not rights.public_only)

    def _association(self, attribute: Attribute, client: int) -> CosemData:
        rights = self._rights.get(client)
        if rights is None:
            raise DataAccessError(AccessResult.OBJECT_UNDEFINED)
        if attribute.index == 1:
            return self._current
        if attribute.index == 2:
            own = CosemObject(ASSOCIATION, self._current, {2: lambda: None, 8: lambda: None})
            return [
                held.listed(rights.writes, rights.transfers_keys)
                for held in (own, *self._objects.values())
                if held is own or self._visible(held, client)
            ]
        if attribute.index == 8:
            return Enumerated(2)  # associated
        raise DataAccessError(AccessResult.OBJECT_UNDEFINED)

    def _carried_out(self, operation: str, act: Callable[[], CosemData], what: str) -> CosemData:
        try:
            return self._suffer(operation, act, what) if operation else act()
        except Rejected as no:
            # The profile's word for the refusal; else the result of that very name; else any other.
            named = AccessResult.__members__.get(no.code.upper().replace("-", "_"))
            code = self._refusals.get(no.code, named or AccessResult.OTHER_REASON)
            raise DataAccessError(code) from None


def eui64_octets(eui64: str) -> bytes:
    """`70-B3-D5-1F-30-00-A0-08` as eight octets; also a meter's system title."""
    return bytes.fromhex(eui64.replace("-", ""))


def _data(name: str, read: Read, operation: str = "", *, public: bool = False) -> CosemObject:
    return CosemObject(DATA, obis(name), {2: read}, public=public, operation=operation)


def _register(name: str, read: Read, scaler: int, unit: int, operation: str) -> CosemObject:
    return CosemObject(
        REGISTER,
        obis(name),
        {2: read, 3: lambda: (Integer(scaler), Enumerated(unit))},
        operation=operation,
    )


def _identity(
    model: Meter, profile: DlmsProfile, eui64: Callable[[], str]
) -> tuple[CosemObject, ...]:
    where = profile.identity
    return (
        _data("0.0.42.0.0.255", lambda: _device_name(model), public=True),
        *(
            _data(name, read, "identify", public=name == where.eui64)
            for name, read in (
                (where.serial_number, lambda: VisibleString(model.identity().serial_number)),
                (where.eui64, lambda: eui64_octets(eui64())),
                (where.manufacturer, lambda: model.identity().manufacturer),
                (where.model, lambda: model.identity().model),
                (where.firmware, lambda: model.identity().firmware),
            )
        ),
    )


def _device_name(model: Meter) -> bytes:
    """The COSEM logical device name: a manufacturer's three letters and a number."""
    serial = model.identity().serial_number.encode("ascii", "replace")
    return (b"SMB" + serial)[:16]


def _counters(profile: DlmsProfile, newest_seen: Callable[[int], int]) -> tuple[CosemObject, ...]:
    clients = profile.clients
    named = [
        (client.counter, client.address)
        for client in (clients.reader, clients.keys)
        if client is not None and client.counter
    ]
    named += [
        (slot.proof_counter, slot.proof)
        for slot in profile.key_slots.values()
        if slot.proof_counter
    ]
    return tuple(
        _data(name, lambda at=address: DoubleLongUnsigned(max(newest_seen(at), 0)), public=True)  # type: ignore[misc]
        for name, address in named
    )


def _readings(model: Meter, profile: DlmsProfile) -> tuple[CosemObject, ...]:
    fuel, payment = model.register.fuel, profile.payment
    scaler, unit = _UNITS[fuel.unit]
    made = [
        _register(
            register.object,
            lambda: DoubleLongUnsigned(model.register.steps(model.clock.now())),
            scaler,
            unit,
            "read_registers",
        )
        for register in profile.registers
        if register.name == fuel.register
    ]
    if payment is not None:
        modes = payment.modes
        made += [
            _data(payment.mode, lambda: Unsigned(modes[model.read_payment().mode]), "read_payment"),
            _register(
                payment.balance,
                lambda: DoubleLong(int(model.read_payment().balance.scaleb(2))),
                -2,
                _CURRENCY_UNIT,
                "read_payment",
            ),
        ]
    if profile.supply:
        made.append(
            CosemObject(
                DISCONNECTOR,
                obis(profile.supply),
                {
                    2: lambda: model.supply_state() is SupplyState.ON,
                    3: lambda: Enumerated(_CONTROL_STATES[model.supply_state()]),
                    4: lambda: Enumerated(0),  # no command disconnects it
                },
                operation="supply_state",
            )
        )
    return tuple(made)


def _keys(model: Meter, profile: DlmsProfile) -> tuple[CosemObject, ...]:
    def of(slot: KeySlot) -> tuple[CosemObject, ...]:
        where, stating = profile.key_slots[slot], "key_state"
        return (
            _data(where.version, lambda: LongUnsigned(model.key_state(slot).version), stating),
            _data(
                where.check_value,
                lambda: bytes.fromhex(model.key_state(slot).check_value),
                stating,
            ),
            _data(
                where.counter, lambda: DoubleLongUnsigned(model.key_state(slot).counter), stating
            ),
        )

    return tuple(held for slot in profile.key_slots for held in of(slot))


def _clock(model: Meter, profile: DlmsProfile) -> CosemObject:
    def write(value: CosemData) -> CosemData:
        try:
            given = CosemDateTime.from_bytes(value) if isinstance(value, bytes) else value
            to = given.to_utc() if isinstance(given, CosemDateTime) else None
        except ProtocolError:
            to = None
        if to is None:
            raise DataAccessError(AccessResult.TYPE_UNMATCHED)
        model.set_clock(to)
        return None

    return CosemObject(
        CLOCK,
        obis(profile.clock),
        {
            2: lambda: CosemDateTime.from_utc(model.read_clock()).to_bytes(),
            3: lambda: Long(0),
            4: lambda: Unsigned(0),
        },
        writes={2: write},
        public=True,
        operation="read_clock",
    )
