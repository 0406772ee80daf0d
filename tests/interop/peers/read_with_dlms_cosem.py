"""Read clock and register of the meter behind HOST PORT with the dlms-cosem package; print JSON.

Runs in its own interpreter, which has the package. Arguments: host port none|lls|hls count.
"""

import json
import logging
import sys
import time

import structlog
from dlms_cosem import cosem, enumerations, security
from dlms_cosem.client import DlmsClient
from dlms_cosem.io import BlockingTcpIO, HdlcTransport
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)
from dlms_cosem.utils import parse_as_dlms_data

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
CLIENTS = {"none": 16, "lls": 32, "hls": 1}


class FrameIO(BlockingTcpIO):
    """Reads whole frames by their length field and hands them on from flag to flag.

    The package takes a lone 7E for an opening flag and asks for more at once, also where a frame
    has two in a row inside or ends in one: then it would wait for a frame that never comes.
    """

    def recv_until(self, end: bytes) -> bytes:
        pieces = self.__dict__.setdefault("pieces", [])
        if not pieces:
            head = self.recv(3)
            frame = head + self.recv(((head[1] & 0x07) << 8 | head[2]) - 1)
            pieces += [piece + end for piece in frame.split(end)[:-1]]
            pieces += [b""] * pieces[1:].count(end)
        return pieces.pop(0)


def main() -> None:
    host, port, mode, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    transport = HdlcTransport(
        client_logical_address=CLIENTS[mode],
        server_logical_address=1,
        server_physical_address=17,
        io=FrameIO(host=host, port=port, timeout=10),
    )
    options = {}
    if mode == "none":
        authentication = NoSecurityAuthentication()
    elif mode == "lls":
        authentication = LowLevelSecurityAuthentication(secret=b"12345678")
    else:
        authentication = HighLevelSecurityGmacAuthentication()
        options = {
            "encryption_key": bytes(range(16)),
            "authentication_key": bytes(range(0xD0, 0xE0)),
            "client_system_title": b"MMM\x00\x00\x00\x00\x01",
        }
    client = DlmsClient(transport=transport, authentication=authentication, **options)
    clock = cosem.CosemAttribute(enumerations.CosemInterface.CLOCK, cosem.Obis(0, 0, 1, 0, 0), 2)
    energy = cosem.CosemAttribute(
        enumerations.CosemInterface.REGISTER, cosem.Obis(1, 0, 1, 8, 0), 2
    )
    with client.session():
        clock_octets = bytes(parse_as_dlms_data(client.get(clock)))
        value = parse_as_dlms_data(client.get(energy))
        start = time.perf_counter()
        for _ in range(count):
            client.get(energy)
        seconds = time.perf_counter() - start
    wrapped = security.wrap_key(
        security_control=security.SecurityControlField(security_suite=0),
        wrapping_key=bytes(range(16)),
        key_to_wrap=bytes(range(16, 32)),
    )
    print(
        json.dumps(
            {
                "clock": clock_octets.hex(),
                "energy": value,
                "per_second": count / seconds if count else None,
                "wrapped": wrapped.hex(),
            }
        )
    )


if __name__ == "__main__":
    main()
