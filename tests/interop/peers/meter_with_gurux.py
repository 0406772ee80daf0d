"""What Gurux finds on a meter: clock, register with unit, object list; it can rotate a key.

With `sign-on` (a device address) the meter is behind an optical port: IEC 62056-21 mode E comes
first. Gurux leaves that to its user; here the messages of the `iec62056-21` package are used, but
for the option select, of which that package knows mode 0 only.

Runs in its own interpreter, which has the package. Takes one JSON object on standard input (keys
never stand on a command line) and prints one: what was asked for, or `error`.
"""

import json
import sys
import time
from importlib.metadata import version

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.GXDLMSException import GXDLMSException
from gurux_dlms.objects import (
    GXDLMSClock,
    GXDLMSRegister,
    GXDLMSSecuritySetup,
)
from gurux_dlms.objects.enums import GlobalKeyType
from gurux_dlms.secure import GXDLMSSecureClient
from peer_pipe import Pipe

MECHANISMS = {
    "none": Authentication.NONE,
    "lls": Authentication.LOW,
    "hls-gmac": Authentication.HIGH_GMAC,
}


def sign_on(pipe: Pipe, address: str) -> str:
    """Mode E, protocol control 2 and mode 2 (HDLC); the identification."""
    from iec62056_21 import messages

    pipe.send(messages.RequestMessage(address).to_bytes())
    said = line(pipe)
    identified = messages.IdentificationMessage.from_bytes(said)
    chosen = b"\x062" + identified.switchover_baudrate_char.encode() + b"2\r\n"
    pipe.send(chosen)
    confirmed = line(pipe)
    if confirmed != chosen:
        raise ConnectionError(f"option select {chosen!r} was answered {confirmed!r}")
    return identified.identification


def line(pipe: Pipe) -> bytes:
    said = b""
    while not said.endswith(b"\r\n"):
        said += pipe.receive(1)
    return said


class Meter:
    """The client with its pipe: every request goes out and its answer comes in whole."""

    def __init__(self, asked: dict) -> None:
        self.pipe = Pipe(asked["port"], asked.get("timeout", 10))
        optical = "sign-on" in asked
        self.identification = sign_on(self.pipe, asked["sign-on"]) if optical else ""
        self.client = GXDLMSSecureClient(
            True,
            asked["client"],
            GXDLMSSecureClient.getServerAddress(1, 17),
            MECHANISMS[asked["security"]],
            asked.get("password"),
            InterfaceType.HDLC_WITH_MODE_E if optical else InterfaceType.HDLC,
        )
        if asked["security"] == "hls-gmac":
            ciphering = self.client.ciphering
            ciphering.security = Security.AUTHENTICATION_ENCRYPTION
            ciphering.systemTitle = bytes.fromhex(asked["title"])
            ciphering.blockCipherKey = bytearray.fromhex(asked["encryption"])
            ciphering.authenticationKey = bytearray.fromhex(asked["authentication"])
            ciphering.invocationCounter = asked["counter"]

    def run(self, requests: object) -> GXReplyData:
        reply = GXReplyData()
        for request in requests if isinstance(requests, list) else [requests]:
            reply.clear()
            self.exchange(request, reply)
            while reply.isMoreData():
                self.exchange(self.client.receiverReady(reply), reply)
        return reply

    def exchange(self, request: bytes, reply: GXReplyData) -> None:
        reply.error = 0
        self.pipe.send(bytes(request))
        buffer = GXByteBuffer()
        notify = GXReplyData()
        while not self.client.getData(buffer, reply, notify):
            octets = self.pipe.receive()
            if not octets:
                raise ConnectionError("the meter closed the connection")
            buffer.set(octets)
        if reply.error:
            raise GXDLMSException(reply.error)

    def open(self) -> None:
        self.client.parseUAResponse(self.run(self.client.snrmRequest()).data)
        self.client.parseAareResponse(self.run(self.client.aarqRequest()).data)
        if self.client.isAuthenticationRequired:
            reply = self.run(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)

    def read(self, item: object, index: int) -> object:
        reply = self.run(self.client.read(item, index))
        return self.client.updateValue(item, index, reply.value)

    def close(self) -> None:
        self.run(self.client.releaseRequest())
        self.run(self.client.disconnectRequest())
        self.pipe.close()


def answers(asked: dict) -> dict:
    meter = Meter(asked)
    meter.open()
    found = {"identification": meter.identification}
    clock = meter.run(meter.client.read(GXDLMSClock(asked["clock"]), 2)).value
    found["clock"] = bytes(clock).hex()
    register = GXDLMSRegister(asked["register"])
    meter.read(register, 3)
    found["value"] = float(meter.read(register, 2))
    found["unit"] = int(register.unit)
    listed = meter.client.parseObjects(meter.run(meter.client.getObjectsRequest()).data, True)
    found["objects"] = sorted(f"{int(item.objectType)} {item.logicalName}" for item in listed)
    if "reads" in asked:
        start, spent = time.perf_counter(), time.process_time()
        for _ in range(asked["reads"]):
            meter.read(register, 2)
        found["per_second"] = asked["reads"] / (time.perf_counter() - start)
        found["cpu"] = (time.process_time() - spent) / asked["reads"]
    if "new" in asked:
        setup = GXDLMSSecuritySetup(asked["security-setup"])
        key = (GlobalKeyType.UNICAST_ENCRYPTION, bytearray.fromhex(asked["new"]))
        if asked["security"] == "hls-gmac":
            meter.client.ciphering.invocationCounter = asked["command-counter"]
        meter.run(setup.globalKeyTransfer(meter.client, bytearray.fromhex(asked["master"]), [key]))
        found["rotated"] = True
    meter.close()
    return found


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        found = answers(asked)
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"version": f"gurux_dlms {version('gurux_dlms')}", **found}))


if __name__ == "__main__":
    main()
