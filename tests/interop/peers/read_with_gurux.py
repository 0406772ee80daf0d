"""Read clock, register and a long value of the meter behind HOST PORT with Gurux; print JSON.

Runs in its own interpreter, which has the package. Arguments: host port none|lls|hls count.
"""

import json
import socket
import sys
import time

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.GXDLMSException import GXDLMSException
from gurux_dlms.objects import GXDLMSClock, GXDLMSData, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient

CLIENTS = {"none": 16, "lls": 32, "hls": 1}
MECHANISMS = {
    "none": Authentication.NONE,
    "lls": Authentication.LOW,
    "hls": Authentication.HIGH_GMAC,
}


class Reader:
    """The client with its socket: every request goes out and its answer comes in whole."""

    def __init__(self, host: str, port: int, mode: str) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.client = GXDLMSSecureClient(
            True,
            CLIENTS[mode],
            GXDLMSSecureClient.getServerAddress(1, 17),
            MECHANISMS[mode],
            "12345678" if mode == "lls" else None,
            InterfaceType.HDLC,
        )
        if mode == "hls":
            ciphering = self.client.ciphering
            ciphering.security = Security.AUTHENTICATION_ENCRYPTION
            ciphering.systemTitle = b"MMM\x00\x00\x00\x00\x02"
            ciphering.blockCipherKey = bytearray(range(16))
            ciphering.authenticationKey = bytearray(range(0xD0, 0xE0))

    def exchange(self, request: bytes, reply: GXReplyData) -> None:
        reply.error = 0
        self.socket.sendall(bytes(request))
        buffer = GXByteBuffer()
        notify = GXReplyData()
        while not self.client.getData(buffer, reply, notify):
            octets = self.socket.recv(4096)
            if not octets:
                raise ConnectionError("the meter closed the connection")
            buffer.set(octets)
        if reply.error:
            raise GXDLMSException(reply.error)

    def run(self, requests: object) -> GXReplyData:
        reply = GXReplyData()
        for request in requests if isinstance(requests, list) else [requests]:
            reply.clear()
            self.exchange(request, reply)
            while reply.isMoreData():
                self.exchange(self.client.receiverReady(reply), reply)
        return reply

    def open(self) -> None:
        reply = self.run(self.client.snrmRequest())
        self.client.parseUAResponse(reply.data)
        reply = self.run(self.client.aarqRequest())
        self.client.parseAareResponse(reply.data)
        if self.client.isAuthenticationRequired:
            reply = self.run(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)

    def read(self, item: object, index: int) -> object:
        reply = self.run(self.client.read(item, index))
        return self.client.updateValue(item, index, reply.value)

    def write(self, item: object, index: int) -> None:
        self.run(self.client.write(item, index))

    def close(self) -> None:
        self.run(self.client.releaseRequest())
        self.run(self.client.disconnectRequest())
        self.socket.close()


def main() -> None:
    host, port, mode, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    reader = Reader(host, port, mode)
    reader.open()
    energy = GXDLMSRegister("1.0.1.8.0.255")
    clock = reader.run(reader.client.read(GXDLMSClock("0.0.1.0.0.255"), 2)).value
    value = reader.read(energy, 2)
    long_value = reader.read(GXDLMSData("0.0.96.1.0.255"), 2)
    written = None
    if mode != "none":
        data = GXDLMSData("0.0.96.1.0.255")
        data.value = bytes(reversed(range(256))) * 9
        reader.write(data, 2)
        written = bytes(reader.read(GXDLMSData("0.0.96.1.0.255"), 2)).hex()
    start = time.perf_counter()
    for _ in range(count):
        reader.read(energy, 2)
    seconds = time.perf_counter() - start
    reader.close()
    print(
        json.dumps(
            {
                "clock": bytes(clock).hex(),
                "energy": value,
                "long": bytes(long_value).hex(),
                "written": written,
                "per_second": count / seconds if count else None,
            }
        )
    )


if __name__ == "__main__":
    main()
