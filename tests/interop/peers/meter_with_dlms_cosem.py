"""What the dlms-cosem package finds on a meter: clock and register; it can rotate a key.

Runs in its own interpreter, which has the package. Takes one JSON object on standard input (keys
never stand on a command line) and prints one: what was asked for, or `error`.
"""

import json
import logging
import sys
import time
from importlib.metadata import version

import structlog
from dlms_cosem import cosem, enumerations, security
from dlms_cosem.client import DlmsClient
from dlms_cosem.io import HdlcTransport
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)
from dlms_cosem.utils import parse_as_dlms_data
from peer_pipe import Pipe

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


class FrameIO:
    """Reads whole frames by their length field and hands them on from flag to flag.

    The package takes a lone 7E for an opening flag and asks for more at once, also where a frame
    has two in a row inside or ends in one: then it would wait for a frame that never comes.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self.pieces: list[bytes] = []

    def connect(self) -> None:
        self.pipe = Pipe(self.place)

    def disconnect(self) -> None:
        self.pipe.close()

    def send(self, data: bytes) -> None:
        self.pipe.send(data)

    def recv(self, amount: int) -> bytes:
        data = b""
        while len(data) < amount:
            piece = self.pipe.receive(amount - len(data))
            if not piece:
                raise ConnectionError("the meter closed the connection")
            data += piece
        return data

    def recv_until(self, end: bytes) -> bytes:
        if not self.pieces:
            head = self.recv(3)
            frame = head + self.recv(((head[1] & 0x07) << 8 | head[2]) - 1)
            self.pieces += [piece + end for piece in frame.split(end)[:-1]]
            self.pieces += [b""] * self.pieces[1:].count(end)
        return self.pieces.pop(0)


def client_of(asked: dict) -> DlmsClient:
    transport = HdlcTransport(
        client_logical_address=asked["client"],
        server_logical_address=1,
        server_physical_address=17,
        io=FrameIO(asked["port"]),
    )
    if asked["security"] == "none":
        return DlmsClient(transport=transport, authentication=NoSecurityAuthentication())
    if asked["security"] == "lls":
        password = LowLevelSecurityAuthentication(secret=asked["password"].encode())
        return DlmsClient(transport=transport, authentication=password)
    return DlmsClient(
        transport=transport,
        authentication=HighLevelSecurityGmacAuthentication(),
        encryption_key=bytes.fromhex(asked["encryption"]),
        authentication_key=bytes.fromhex(asked["authentication"]),
        client_system_title=bytes.fromhex(asked["title"]),
        client_initial_invocation_counter=asked["counter"],
    )


def object_at(code: str) -> cosem.Obis:
    return cosem.Obis(*(int(part) for part in code.split(".")[:5]))


def attribute(interface: enumerations.CosemInterface, code: str) -> cosem.CosemAttribute:
    return cosem.CosemAttribute(interface, object_at(code), 2)


def answers(asked: dict) -> dict:
    client = client_of(asked)
    interfaces = enumerations.CosemInterface
    found = {}
    with client.session():
        octets = client.get(attribute(interfaces.CLOCK, asked["clock"]))
        found["clock"] = bytes(parse_as_dlms_data(octets)).hex()
        octets = client.get(attribute(interfaces.REGISTER, asked["register"]))
        found["steps"] = parse_as_dlms_data(octets)
        if "reads" in asked:
            start, spent = time.perf_counter(), time.process_time()
            for _ in range(asked["reads"]):
                client.get(attribute(interfaces.REGISTER, asked["register"]))
            found["per_second"] = asked["reads"] / (time.perf_counter() - start)
            found["cpu"] = (time.process_time() - spent) / asked["reads"]
        if "new" in asked:
            wrapped = security.wrap_key(
                security_control=security.SecurityControlField(security_suite=0),
                wrapping_key=bytes.fromhex(asked["master"]),
                key_to_wrap=bytes.fromhex(asked["new"]),
            )
            if asked["security"] == "hls-gmac":
                client.dlms_connection.client_invocation_counter = asked["command-counter"]
            method = cosem.CosemMethod(
                interfaces.SECURITY_SETUP, object_at(asked["security-setup"]), 2
            )
            data = b"\x01\x01\x02\x02\x16\x00\x09" + bytes((len(wrapped),)) + wrapped
            client.action(method, data)
            found["rotated"] = True
    return found


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        found = answers(asked)
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"version": f"dlms-cosem {version('dlms-cosem')}", **found}))


if __name__ == "__main__":
    main()
