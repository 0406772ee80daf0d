"""An electricity or gas meter on its service port: DLMS/COSEM over HDLC, as its profile says.

meter = connect("/dev/serial/by-id/usb-optical", profile="my-meter.yaml", keys=keys)
meter.read_registers()

Counters and the proof of keys: docs/drivers.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from bench.clock import Clock
from bench.devices import (
    Identity,
    KeySlot,
    KeyState,
    Payment,
    PaymentMode,
    RegisterReading,
    Role,
    SupplyState,
)
from bench.errors import Refused, UsageError, WrongDevice
from bench.secret import Secret
from bench.units import Micros
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.errors import ProtocolError
from drivers.codecs.key_wrap import (
    KEY_TRANSFER_METHOD,
    SECURITY_SETUP_CLASS,
    KeyId,
    WrappedKey,
    key_transfer_data,
    wrap_key,
)
from drivers.codecs.obis import obis
from drivers.codecs.security import HIGHEST_COUNTER, SecurityKeys
from drivers.codecs.xdlms import Attribute, Method
from drivers.dlms_session import DATA_CLASS, Call, DlmsSession, Entropy, MeterNotice
from drivers.hdlc_port import HdlcPort
from drivers.opening import open_with
from drivers.profiles.dlms import HIGHEST_COMMAND, ClientProfile, KeySlotObjects
from drivers.profiles.dlms_keys import MeterKeys
from drivers.profiles.parts import dlms_part
from drivers.profiles.profile import OtherFirmware, Profile
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.pipe import Transport

_REGISTER_CLASS, _CLOCK_CLASS, _DISCONNECTOR_CLASS = 3, 8, 70
_VALUE, _SCALER_UNIT, _CONTROL_STATE = 2, 3, 3
_KEY_OCTETS: Final = 16
_UNITS: Final = {30: ("kWh", -3), 13: ("m³", 0), 14: ("m³", 0)}
"""The interface's unit for a COSEM unit, and the power of ten between them."""
_CURRENCY_UNIT: Final = 10
_SUPPLY: Final = {0: SupplyState.OFF, 1: SupplyState.ON, 2: SupplyState.ARMED}


class DlmsMeter:
    """`bench.devices.ElectricityMeter` or `GasMeter`, whichever role the profile has.

    Before anything else is asked the meter says who it is, if there is something to check: the
    `eui64` that the station file gives it, or the firmware that the profile was written for; again
    after a time-out, and after the meter or the port was gone.
    `other_firmware` is the firmware found if the profile was not written for it and says `mark`.

    A reading is taken to be of the moment it arrived. The meter's clock is read and set to a
    hundredth of a second, which is what a COSEM date-time holds.
    """

    def __init__(
        self,
        name: str,
        profile: Profile,
        transport: Transport,
        keys: MeterKeys | None = None,
        *,
        eui64: str = "",
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        """`entropy`: random octets for challenges; on real kit always the system's."""
        if profile.role not in (Role.ELECTRICITY_METER, Role.GAS_METER):
            raise UsageError(f"profile {profile.profile} is for a {profile.role}, not for a meter")
        self.name = name
        self.other_firmware = ""
        self._profile = profile
        self._dlms = dlms = dlms_part(profile)
        self._keys = keys or MeterKeys()
        self._eui64 = eui64
        port = HdlcPort(dlms.hdlc, dlms.sign_on, profile.timing, profile.line.settings, transport)
        self._session = DlmsSession(
            name, dlms, profile.timing.reply_timeout, self._keys, port, entropy
        )
        self._checks = bool(eui64 or profile.firmware)
        self._admitted_in = 0
        self._proven_with = 0
        self._scalers: dict[str, tuple[int, int]] = {}
        self._scalers_of = 0

    def identify(self) -> Identity:
        """`WrongDevice`: another EUI-64. `Refused` (`other-firmware`), if the profile says so."""
        return self._identify(self._session.call("identify"))

    def read_clock(self) -> Micros:
        call = self._begin("read_clock")
        (value,) = call.read(self._reader, [Attribute(_CLOCK_CLASS, obis(self._dlms.clock), 2)])
        try:
            shown = CosemDateTime.from_bytes(value) if isinstance(value, bytes) else value
            at = shown.to_utc() if isinstance(shown, CosemDateTime) else None
        except ProtocolError as error:
            raise call.garbled(str(error)) from None
        if at is None:
            raise call.garbled("the clock names no instant")
        return at

    def set_clock(self, to: Micros) -> None:
        call = self._begin("set_clock")
        try:
            value = CosemDateTime.from_utc(to).to_bytes()
        except ProtocolError as error:
            raise call.refused("bad-parameter", str(error)) from None
        call.write(self._reader, Attribute(_CLOCK_CLASS, obis(self._dlms.clock), 2), value)

    def read_registers(self) -> RegisterReading:
        call = self._begin("read_registers")
        if not self._dlms.registers:
            raise self._not_in_profile(call, "registers")
        named = [(register.name, register.object) for register in self._dlms.registers]
        held, _ = self._numbers(call, named)
        units = {_UNITS.get(unit, ("", 0))[0] for _, _, unit in held}
        if len(units) != 1 or "" in units:
            raise call.garbled(f"units {sorted(unit for _, _, unit in held)}: expected kWh or m³")
        values = tuple(
            (name, Decimal(value).scaleb(scaler + _UNITS[unit][1]))
            for (name, _), (value, scaler, unit) in zip(named, held, strict=True)
        )
        now = self._session.clock.now()
        return RegisterReading(values, units.pop(), now, now)

    def supply_state(self) -> SupplyState:
        call = self._begin("supply_state")
        if not self._dlms.supply:
            raise self._not_in_profile(call, "supply")
        where = Attribute(_DISCONNECTOR_CLASS, obis(self._dlms.supply), _CONTROL_STATE)
        state = self._whole(call, call.read(self._reader, [where])[0])
        if state not in _SUPPLY:
            raise call.garbled(f"control state {state}")
        return _SUPPLY[state]

    def read_payment(self) -> Payment:
        call = self._begin("read_payment")
        where = self._dlms.payment
        if where is None:
            raise self._not_in_profile(call, "payment")
        modes = {number: PaymentMode(name) for name, number in where.modes.items()}
        mode_at = Attribute(DATA_CLASS, obis(where.mode), _VALUE)
        ((value, scaler, unit),), (mode,) = self._numbers(
            call, [("balance", where.balance)], [mode_at]
        )
        if not isinstance(mode, int) or mode not in modes:
            raise call.garbled(f"payment mode {mode!r}")
        if unit != _CURRENCY_UNIT:
            raise call.garbled(f"the balance's unit is {unit}, not a currency")
        return Payment(modes[mode], Decimal(value).scaleb(scaler))

    def key_state(self, slot: KeySlot) -> KeyState:
        call = self._begin("key_state")
        where = self._slot(call, slot)
        version, check_value, counter = self._data(
            call, [where.version, where.check_value, where.counter]
        )
        if not isinstance(check_value, bytes):
            raise call.garbled("the check value is no octet-string")
        return KeyState(
            slot, self._whole(call, version), check_value.hex().upper(), self._whole(call, counter)
        )

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        """Opens an HLS-GMAC association with `key`; the meter's answer to our challenge is proof.

        The key is not sent. A wrong one counts towards the meter's lockout.
        """
        call = self._begin("prove_key")
        where = self._slot(call, slot)
        authentication = call.held(self._keys.authentication, "authentication key")
        if len(key.reveal()) != _KEY_OCTETS:
            raise call.refused("bad-parameter", f"expected a key of {_KEY_OCTETS} octets")
        counter = self._proof_counter(call, where)
        return call.prove(where.proof, SecurityKeys(key, authentication), counter)

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        """Transfers `new`, wrapped under the master key, in a request that carries `counter`."""
        call = self._begin("rotate_key")
        self._slot(call, slot)
        client = self._dlms.clients.keys
        if client is None:
            raise self._not_in_profile(call, "clients: keys")
        master = call.held(self._keys.master, "master key")
        if not 0 <= counter <= HIGHEST_COMMAND:
            raise call.refused("bad-parameter", f"counter {counter}: 0 to {HIGHEST_COMMAND}")
        if len(new.reveal()) != _KEY_OCTETS:
            raise call.refused("bad-parameter", f"expected a key of {_KEY_OCTETS} octets")
        wrapped = WrappedKey(KeyId.GLOBAL_UNICAST_ENCRYPTION, wrap_key(master, new))
        method = Method(SECURITY_SETUP_CLASS, obis(self._dlms.security_setup), KEY_TRANSFER_METHOD)
        call.act(client, method, key_transfer_data([wrapped]), counter)

    def notice(self) -> MeterNotice | None:
        """The oldest message that came unasked between answers; None: there is none."""
        notices = self._session.notices
        return notices.popleft() if notices else None

    def hang_up(self) -> None:
        """Ends the connection, if one stands; the port stays open. Never raises, safe to repeat."""
        self._session.port.hang_up()

    def close(self) -> None:
        self._session.port.close()

    # -- parts -----------------------------------------------------------------------------------

    @property
    def _reader(self) -> ClientProfile:
        return self._dlms.clients.reader

    def _admit(self, call: Call) -> None:
        if self._checks and self._admitted_in != self._session.port.doubts:
            self._identify(call)

    def _begin(self, operation: str) -> Call:
        return self._session.call(operation, self._admit)

    def _identify(self, call: Call) -> Identity:
        where = self._dlms.identity
        serial_number, eui64, manufacturer, model, firmware = self._data(
            call,
            [where.serial_number, where.eui64, where.manufacturer, where.model, where.firmware],
        )
        identity = Identity(
            self._profile.role,  # a DLMS meter does not state it
            self._text(call, serial_number),
            self._eui64_of(call, eui64),
            self._text(call, manufacturer),
            self._text(call, model),
            self._text(call, firmware),
        )
        if self._eui64 and identity.eui64 != self._eui64:
            detail = f"expected {self._eui64}, got {identity.eui64}"
            raise WrongDevice(self.name, call.operation, detail)
        self._check_firmware(call, identity.firmware)
        self._admitted_in = self._session.port.doubts
        return identity

    def _check_firmware(self, call: Call, found: str) -> None:
        written_for = self._profile.firmware
        self.other_firmware = ""
        if not written_for or found in written_for:
            return
        if self._profile.other_firmware is OtherFirmware.REFUSE:
            detail = f"profile {self._profile.profile} is for {', '.join(written_for)}, got {found}"
            raise call.refused("other-firmware", detail)
        self.other_firmware = found

    def _slot(self, call: Call, slot: KeySlot) -> KeySlotObjects:
        where = self._dlms.key_slots.get(slot)
        if where is None:
            raise self._not_in_profile(call, f"key-slots: {slot}")
        return where

    def _proof_counter(self, call: Call, where: KeySlotObjects) -> int:
        """An invocation counter for a proof that was not used before under any key.

        A meter forgets the counter of a proof that failed. A key that is proven once before it is
        installed and once after must not show two tags under one counter, or whoever listens can
        forge (NIST SP 800-38D, 8): so each is above the last, by a step nobody knows, which also
        parts the proofs of two runs.
        """
        entropy = self._session.entropy
        if not where.proof_counter:
            return int.from_bytes(entropy(4), "big") % HIGHEST_COUNTER
        newest = max(call.newest_counter(where.proof_counter), self._proven_with)
        counter = newest + 1 + int.from_bytes(entropy(2), "big")
        if counter > HIGHEST_COUNTER:
            raise call.refused("counter-exhausted", f"{newest} was used, and the key is the same")
        self._proven_with = counter
        return counter

    def _not_in_profile(self, call: Call, part: str) -> Refused:
        return call.refused("not-in-profile", f"its profile has no {part}")

    def _data(self, call: Call, names: list[str]) -> list[CosemData]:
        return call.read(
            self._reader, [Attribute(DATA_CLASS, obis(name), _VALUE) for name in names]
        )

    def _numbers(
        self, call: Call, named: list[tuple[str, str]], beside: Sequence[Attribute] = ()
    ) -> tuple[list[tuple[int, int, int]], list[CosemData]]:
        """Value, scaler and unit of registers, and the attributes `beside` them.

        Scaler and unit are read once for each opening of the port.
        """
        if self._scalers_of != self._session.port.openings:
            self._scalers.clear()
            self._scalers_of = self._session.port.openings
        fresh = [name for _, name in named if name not in self._scalers]
        asked = [Attribute(_REGISTER_CLASS, obis(name), _VALUE) for _, name in named]
        asked += [Attribute(_REGISTER_CLASS, obis(name), _SCALER_UNIT) for name in fresh]
        got = call.read(self._reader, [*asked, *beside])
        for name, scaler_unit in zip(fresh, got[len(named) :], strict=False):
            match scaler_unit:
                case (int() as scaler, int() as unit):
                    self._scalers[name] = (int(scaler), int(unit))
                case _:
                    raise call.garbled(f"{name}: no scaler and unit")
        numbers = [
            (self._whole(call, value), *self._scalers[name])
            for value, (_, name) in zip(got, named, strict=False)
        ]
        return numbers, got[len(asked) :]

    @staticmethod
    def _whole(call: Call, value: CosemData) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise call.garbled(f"expected a whole number, got {type(value).__name__}")
        return int(value)

    @staticmethod
    def _text(call: Call, value: CosemData) -> str:
        if isinstance(value, str):
            return str(value)
        if isinstance(value, bytes):
            return value.decode("ascii", "replace").strip("\0 ")
        raise call.garbled(f"expected text, got {type(value).__name__}")

    def _eui64_of(self, call: Call, value: CosemData) -> str:
        """`70-B3-D5-1F-30-00-A0-08` of eight octets, or of text with hyphens, colons or nothing."""
        octets = value if isinstance(value, bytes) and len(value) == 8 else b""
        if not octets:
            text = self._text(call, value).replace("-", "").replace(":", "")
            try:
                octets = bytes.fromhex(text)
            except ValueError:
                octets = b""
        if len(octets) != 8:
            raise call.garbled(f"expected an EUI-64, got {value!r}")
        return "-".join(f"{octet:02X}" for octet in octets)


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-dlms-electricity",
    keys: MeterKeys | None = None,
    name: str = "meter",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> DlmsMeter:
    """For the Python prompt: opens `port` with the profile's line settings. Asks nothing yet."""
    held, transport = open_with(profile, port, clock, emulated)
    return DlmsMeter(name, held, transport, keys)
