"""A client with next to no work of its own: requests are made before time is taken."""

from __future__ import annotations

import os
import select
import tty
from pathlib import Path

from benchmarks.wire.kit import KEYS, meter_profile
from drivers.codecs.acse import Mechanism
from drivers.codecs.dlms_client import ClientSettings, DlmsClient, SessionState
from drivers.codecs.dlms_events import Completed, Transmit
from drivers.codecs.hdlc import P_F, FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.hdlc_events import Connect, Connected, Data
from drivers.codecs.hdlc_link import HdlcLink
from drivers.codecs.hdlc_link import Role as LinkRole
from drivers.codecs.obis import obis
from drivers.codecs.security import CipherContext, InvocationCounter, Protection, SecurityKeys
from drivers.profiles.dlms import Security, first_counter

_LLC = b"\xe6\xe6\x00"
_CHALLENGE = bytes(range(16))
_uses = 0


class Asker:
    """One connection to a hosted meter, on a bare descriptor."""

    def __init__(self, path: Path, security: Security) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.descriptor)
        _, self._part = meter_profile(security)
        self._reader = HdlcAddress(self._part.clients.reader.address)
        self._link = HdlcLink(LinkRole.CLIENT, server=self._part.hdlc.server, client=self._reader)
        self._client = _session(security)
        self._where = (3, obis(self._part.registers[0].object), 2)
        self._sent = 0
        self._answer = 0

    def associate(self) -> None:
        """Connects, associates and makes one GET, whose answer says how long answers are."""
        self._exchange(Connect())
        apdu = self._client.associate_request(_CHALLENGE)
        while self._client.state is not SessionState.ASSOCIATED:
            event = self._client.receive_apdu(self._exchange(Data(apdu)))
            apdu = event.apdu if isinstance(event, Transmit) else b""
        event = self._client.receive_apdu(self._exchange(Data(self._client.get(*self._where))))
        assert isinstance(event, Completed), event

    def prepared(self, count: int) -> list[bytes]:
        """GETs to be written one after the other, each once the one before was answered."""
        frames = []
        for number in range(self._sent, self._sent + count):
            apdu = self._client.get(*self._where)
            self._client.abandon()
            control = (number & 7) << 5 | P_F | (number & 7) << 1
            frame = HdlcFrame(self._part.hdlc.server, self._reader, control, _LLC + apdu)
            frames.append(frame.to_bytes())
        self._sent += count
        return frames

    def answer_octets(self) -> int:
        """Of each answer to a prepared request."""
        return self._answer

    def right(self, answer: bytes) -> bool:
        """Whether it is a whole frame with a value, of a meter without security."""
        frames = FrameReader().receive(answer)
        return len(frames) == 1 and frames[0].information[3:5] == b"\xc4\x01"

    def close(self) -> None:
        os.close(self.descriptor)

    def _exchange(self, command: Connect | Data) -> bytes:
        os.write(self.descriptor, self._link.send(command))
        self._sent += isinstance(command, Data)
        self._answer = 0
        while select.select([self.descriptor], [], [], 10)[0]:
            octets = os.read(self.descriptor, 4096)
            self._answer += len(octets)
            for event in self._link.receive(octets):
                if isinstance(event, Connected):
                    return b""
                if isinstance(event, Data):
                    return event.payload
        raise RuntimeError("the emulated meter does not answer")


def _session(security: Security) -> DlmsClient:
    global _uses
    if security is Security.NONE:
        return DlmsClient(ClientSettings())
    assert KEYS.reader is not None
    assert KEYS.authentication is not None
    _uses += 1
    counter = InvocationCounter(first_counter(100_000 + 1000 * _uses))
    keys = SecurityKeys(KEYS.reader, KEYS.authentication)
    return DlmsClient(
        ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=Protection.FULL),
        CipherContext(keys, b"SMB\x00\x00\x00\x00\x08", sending=counter),
    )
