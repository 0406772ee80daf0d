"""Our DLMS server read by two independent clients, Gurux and dlms-cosem, over HDLC on TCP.

Both packages have licences that keep them out of this project, so they run in an interpreter of
their own. To enable: make a virtual environment, install `dlms-cosem` and `gurux-dlms` there, and
name its Python in SMETS1_BENCH_PEERS; SMETS1_BENCH_PEER_READS is the number of reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))

from dlms_bench import (
    ENERGY,
    MANAGER,
    NOON,
    PUBLIC,
    READER,
    converse,
    make_client,
    make_server,
)

from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_events import Connected, Data, Disconnected
from drivers.codecs.hdlc_link import HdlcLink, Role
from drivers.codecs.hdlc_parameters import LinkParameters

PEERS = os.environ.get("SMETS1_BENCH_PEERS")
pytestmark = pytest.mark.skipif(
    not PEERS, reason="needs a Python with dlms-cosem and gurux-dlms named in SMETS1_BENCH_PEERS"
)
SCRIPTS = Path(__file__).parent / "peers"
COUNT = int(os.environ.get("SMETS1_BENCH_PEER_READS", "20"))


def serve(connection: socket.socket, parameters: LinkParameters) -> None:
    """One meter on one connection, until the peer closes it."""
    server = make_server()
    link = HdlcLink(Role.SERVER, server=HdlcAddress(1, 17), parameters=parameters)
    client = 0
    while octets := connection.recv(4096):
        answer = b""
        for event in link.receive(octets):
            if isinstance(event, Connected):
                client = event.client.upper
            elif isinstance(event, Disconnected):
                server.link_lost(client)
            elif isinstance(event, Data):
                apdu = server.receive_apdu(client, event.payload)
                answer += link.acknowledge() if apdu is None else link.send(Data(apdu))
        connection.sendall(answer + link.octets_to_send())


@contextlib.contextmanager
def meter(parameters: LinkParameters) -> Iterator[int]:
    """A meter on a loopback port, for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                serve(connection, parameters)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=10)
        assert not thread.is_alive()


def read_with(script: str, mode: str, parameters: LinkParameters) -> dict[str, Any]:
    assert PEERS
    with meter(parameters) as port:
        done = subprocess.run(
            [PEERS, str(SCRIPTS / script), "127.0.0.1", str(port), mode, str(COUNT)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("mode", ["none", "lls", "hls"])
@pytest.mark.parametrize("octets", [128, 2030])
def test_gurux_reads_and_writes(mode: str, octets: int) -> None:
    answer = read_with("read_with_gurux.py", mode, LinkParameters(octets, octets))
    assert answer["clock"] == NOON.to_bytes().hex()
    assert answer["energy"] == 123_456
    assert answer["long"] == (bytes(range(256)) * 12).hex()
    expected = None if mode == "none" else (bytes(reversed(range(256))) * 9).hex()
    assert answer["written"] == expected


@pytest.mark.parametrize("mode", ["none", "lls", "hls"])
def test_dlms_cosem_reads(mode: str) -> None:
    answer = read_with("read_with_dlms_cosem.py", mode, LinkParameters())
    assert answer["clock"] == NOON.to_bytes().hex()
    assert answer["energy"] == 123_456


def sent_by_our_client() -> dict[str, str]:
    """One of each APDU that a client sends, in hex."""
    sent: dict[str, bytes] = {}
    for name, address in (("aarq-none", PUBLIC), ("aarq-lls", READER), ("aarq-hls", MANAGER)):
        server, client = make_server(), make_client(address, max_pdu=500, general=True)
        sent[name] = client.associate_request(b"C" * 16)
        converse(client, server, address, sent[name])
        if name == "aarq-lls":
            sent["get"] = client.get(3, ENERGY, 2)
            client.abandon()
            sent["set"] = client.set(3, ENERGY, 2, b"xyz")
            client.abandon()
            sent["action"] = client.action(3, ENERGY, 1, b"xyz")
            sent["rlrq"] = client.release()
        elif name == "aarq-hls":
            sent["ciphered"] = client.get(3, ENERGY, 2)
    return {name: octets.hex() for name, octets in sent.items()}


def test_dlms_cosem_understands_our_client() -> None:
    assert PEERS
    sent = sent_by_our_client()
    done = subprocess.run(
        [PEERS, str(SCRIPTS / "parse_with_dlms_cosem.py")],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    register = ENERGY[:5].hex() + "ff"
    assert json.loads(done.stdout) == {
        "aarq-none": ["InitiateRequest", None, None, False, 500],
        "aarq-lls": ["InitiateRequest", "LLS", b"12345678".hex(), False, 500],
        "aarq-hls": ["GlobalCipherInitiateRequest", "HLS_GMAC", (b"C" * 16).hex(), True, None],
        "get": ["GetRequestNormal", register, ""],
        "set": ["SetRequestNormal", register, "090378797a"],
        "action": ["ActionRequestNormal", register, "090378797a"],
        "rlrq": ["NORMAL"],
        "ciphered": ["GetRequestNormal", register, ""],
    }
