"""A relay board on Modbus RTU, which feeds or cuts the mains of devices on the bench.

board = connect("/dev/serial/by-id/usb-rs485", profile="generic-modbus-relay-board")
board.set_channel(1, closed=False)
"""

from __future__ import annotations

from bench.clock import Clock
from bench.errors import KitFault, RelayStuck
from drivers.codecs.modbus_messages import ReadBits, WriteBit
from drivers.modbus_unit import ModbusUnit, NoSoundAnswer
from drivers.opening import open_with
from drivers.profiles.modbus import ReadBack
from drivers.profiles.parts import relay_part
from drivers.profiles.profile import Profile
from drivers.transport.bus import SharedBus
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.pipe import Transport


class ModbusRelayBoard:
    """`bench.devices.PowerSwitch`. Nothing is believed that was not read back."""

    def __init__(self, name: str, profile: Profile, line: Transport | SharedBus) -> None:
        modbus, self._map = relay_part(profile)
        self.name = name
        self._clock = line.clock
        self._unit = ModbusUnit(name, modbus.unit, profile.timing, line)

    def set_channel(self, channel: int, *, closed: bool) -> None:
        """Commands the coil, waits for the contact, reads it back.

        A command whose answer was lost is settled by reading back, and sent once more if the relay
        did not follow: to command the same again does no harm. So is the reading back.
        """
        board = self._map
        self._known(channel)
        request = WriteBit(board.first_coil + channel - 1, closed is board.closed_when)
        for _ in range(2):
            doubt: NoSoundAnswer | None = None
            try:
                self._unit.write_bit("set_channel", request)
            except NoSoundAnswer as error:
                doubt = error
            self._clock.sleep_until(self._clock.now() + board.travel)
            try:
                follows = self._read(channel, "set_channel") is closed
            except NoSoundAnswer:
                follows = self._read(channel, "set_channel") is closed
            if follows:
                return
            if doubt is None:
                wanted, is_ = ("closed", "open") if closed else ("open", "closed")
                raise RelayStuck(
                    f"{self.name}: channel {channel} was told to be {wanted} and reads back {is_}",
                    hint="check the relay, its supply and, for contacts read back, their wiring",
                )
        raise KitFault(f"{self.name}: channel {channel}: told twice, no answer, did not follow")

    def channel_closed(self, channel: int) -> bool:
        self._known(channel)
        return self._read(channel, "channel_closed")

    def close(self) -> None:
        self._unit.close()

    def _read(self, channel: int, operation: str) -> bool:
        board = self._map
        inputs = board.read_back is ReadBack.INPUTS
        first = board.first_input if inputs else board.first_coil
        (bit,) = self._unit.read_bits(operation, ReadBits(first + channel - 1, 1, inputs=inputs))
        # A contact wired to an input reads true while it is closed, whatever its coil's sense is.
        return bit if inputs else bit is board.closed_when

    def _known(self, channel: int) -> None:
        if not 1 <= channel <= self._map.channels:
            last = self._map.channels
            raise KitFault(f"{self.name}: channel {channel}: the board has channels 1 to {last}")


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-modbus-relay-board",
    name: str = "relay-board",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> ModbusRelayBoard:
    """For the Python prompt: opens `port` with the profile's line settings. Switches nothing."""
    held, transport = open_with(profile, port, clock, emulated)
    return ModbusRelayBoard(name, held, transport)
