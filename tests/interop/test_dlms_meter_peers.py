"""The emulated meters, read and rekeyed by two independent clients over TCP and a pty.

Both packages have licences that keep them out of this project, so they run in an interpreter of
their own. To enable: `make peers`; or make a virtual environment, install `peers.txt` there, and
name its Python in SMETS1_BENCH_PEERS. `pytest -s` prints the versions.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.clock import WallClock
from bench.devices import KeySlot
from bench.secret import Secret
from bench.units import SECOND, Micros
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.hdlc import FrameReader
from drivers.codecs.obis import obis, obis_text
from drivers.profiles.dlms import DlmsProfile, Security, SignOnProfile, command_counter, secured
from drivers.profiles.dlms_keys import MeterKeys, demo_meter_keys
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.memory import WirePeer
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.hosts import Hosting
from emulators.wire.pty_end import PtyEnd
from emulators.wire.tcp_end import TcpEnd
from tests.wire.kit_on_wire import home, quick

PEERS = os.environ.get("SMETS1_BENCH_PEERS")
pytestmark = pytest.mark.skipif(
    not PEERS, reason="needs a Python with dlms-cosem and gurux-dlms named in SMETS1_BENCH_PEERS"
)
SCRIPTS = Path(__file__).parent / "peers"
GURUX, DLMS_COSEM = "meter_with_gurux.py", "meter_with_dlms_cosem.py"
CLIENTS = pytest.mark.parametrize("client", [GURUX, DLMS_COSEM])
SECURITIES = pytest.mark.parametrize("security", list(Security))
PLACES = pytest.mark.parametrize("place", ["tcp", "pty"])
NEW = Secret(b"\x51" * 16, "new")
TITLE = b"SMB\x00\x00\x00\x00\x09"


@dataclass
class Hosted:
    """An emulated electricity meter that any client can open at `port`."""

    clock: WallClock
    model: Meter
    keys: MeterKeys
    profile: Profile
    security: Security
    port: str
    counter: int = 1

    @property
    def dlms(self) -> DlmsProfile:
        assert self.profile.dlms is not None
        return self.profile.dlms

    def question(self, **changed: object) -> dict[str, Any]:
        """What a client needs to know; counters go on from question to question."""
        keys = self.keys
        assert keys.password is not None
        assert keys.reader is not None
        assert keys.authentication is not None
        assert keys.master is not None
        self.counter += 40
        asked: dict[str, Any] = {
            "port": self.port,
            "client": self.dlms.clients.reader.address,
            "security": str(self.security),
            "clock": self.dlms.clock,
            "register": self.dlms.registers[0].object,
            "security-setup": self.dlms.security_setup,
            "title": TITLE.hex(),
            "encryption": keys.reader.reveal().hex(),
            "authentication": keys.authentication.reveal().hex(),
            "master": keys.master.reveal().hex(),
            "counter": self.counter,
        }
        if self.security is Security.LLS:
            asked["password"] = keys.password.reveal().decode()
        return asked | changed

    def rotation(self, command: int) -> dict[str, object]:
        return {"new": NEW.reveal().hex(), "command-counter": command_counter(command)}


@contextmanager
def meter(
    place: str,
    folder: Path,
    security: Security,
    spoil: str = "",
    sign_on: SignOnProfile | None = None,
) -> Iterator[Hosted]:
    clock = WallClock()
    model = home(clock).electricity
    shipped = quick(read_profile("generic-dlms-electricity"))
    assert shipped.dlms is not None
    part = replace(secured(shipped.dlms, security), sign_on=sign_on)
    profile = replace(shipped, dlms=part)
    keys = demo_meter_keys(model.spec.eui64)
    with Hosting(clock) as hosting:
        line = profile.line.settings
        if place == "tcp":
            end: TcpEnd | PtyEnd = hosting.tcp(line=line)
        else:
            end = hosting.pty(folder / "meter", line, paced=False)
        device: WirePeer = DlmsMeter(model, profile, keys, end)
        end.attach(Spoiler(device) if spoil else device)
        yield Hosted(clock, model, keys, profile, security, end.address)


class Spoiler:
    """On the way to the meter: the last octet of each ciphered request, its tag's, is changed."""

    def __init__(self, meter: WirePeer) -> None:
        self._meter = meter
        self._reader = FrameReader()

    def receive(self, data: bytes, at: Micros) -> None:
        for frame in self._reader.receive(data):
            information = frame.information
            if information[3:4] in (b"\xc8", b"\xcb", b"\xdb"):
                information = information[:-1] + bytes((information[-1] ^ 1,))
            self._meter.receive(replace(frame, information=information).to_bytes(), at)


def ask(client: str, question: dict[str, Any]) -> dict[str, Any]:
    assert PEERS
    done = subprocess.run(
        [PEERS, str(SCRIPTS / client)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(answer["version"])
    return answer


def utc(clock_octets: str) -> Micros:
    shown = CosemDateTime.from_bytes(bytes.fromhex(clock_octets)).to_utc()
    assert shown is not None
    return shown


@PLACES
@SECURITIES
@CLIENTS
def test_a_foreign_client_reads_clock_and_register_and_rotates_a_key(
    client: str, security: Security, place: str, tmp_path: Path
) -> None:
    with meter(place, tmp_path, security) as held:
        before = held.model.keys.state(KeySlot.SUA)
        answer = ask(client, held.question(**held.rotation(1)))
        assert "error" not in answer
        shown = held.model.read_registers().values[0][1]
        value = answer["value"] if client == GURUX else answer["steps"]
        assert abs(value - float(shown) * 1000) <= 1, "in watt-hours"
        assert abs(utc(answer["clock"]) - held.model.read_clock()) < 30 * SECOND
        after = held.model.keys.state(KeySlot.SUA)
        assert answer["rotated"] is True
        assert (after.version, after.counter) == (before.version + 1, 1)
        assert held.model.keys.held(KeySlot.SUA).matches(NEW)


@PLACES
@SECURITIES
def test_gurux_reads_an_optical_meter_after_mode_e(
    security: Security, place: str, tmp_path: Path
) -> None:
    optical = SignOnProfile(baud_code="5", address="12345678")
    with meter(place, tmp_path, security, sign_on=optical) as held:
        answer = ask(GURUX, held.question(**{"sign-on": "12345678"}, **held.rotation(1)))
        assert "error" not in answer
        assert answer["identification"].endswith("EMULATED")
        assert abs(utc(answer["clock"]) - held.model.read_clock()) < 30 * SECOND
        assert answer["rotated"] is True
        later = {"sign-on": "12345678", "counter": command_counter(2)}
        again = ask(GURUX, held.question(**later))
        assert "error" not in again, "after DISC the meter listens for a sign-on again"


def test_an_optical_meter_answers_no_other_address(tmp_path: Path) -> None:
    optical = SignOnProfile(baud_code="5", address="12345678")
    with meter("tcp", tmp_path, Security.NONE, sign_on=optical) as held:
        answer = ask(GURUX, held.question(**{"sign-on": "87654321", "timeout": 1}))
        assert "error" in answer


@SECURITIES
def test_gurux_finds_the_profiles_objects(security: Security, tmp_path: Path) -> None:
    with meter("tcp", tmp_path, security) as held:
        objects = ask(GURUX, held.question())["objects"]
    dlms = held.dlms
    assert dlms.payment is not None
    wanted = {
        f"8 {dlms.clock}",
        f"3 {dlms.registers[0].object}",
        f"70 {dlms.supply}",
        f"64 {dlms.security_setup}",
        f"1 {dlms.clients.reader.counter}",
        f"1 {dlms.identity.serial_number}",
        f"3 {dlms.payment.balance}",
        f"15 {obis_text(obis('0.0.40.0.0.255'))}",
    }
    assert wanted <= set(objects)


@CLIENTS
@pytest.mark.parametrize(
    ("security", "wrong"),
    [
        (Security.LLS, {"password": "0123456789abcdef"}),
        (Security.HLS_GMAC, {"encryption": "00" * 16}),
        (Security.HLS_GMAC, {"authentication": "00" * 16}),
        (Security.HLS_GMAC, {"security": "none"}),
    ],
    ids=["password", "encryption-key", "authentication-key", "no-security"],
)
def test_who_does_not_know_the_secret_gets_nothing(
    client: str, security: Security, wrong: dict[str, str], tmp_path: Path
) -> None:
    with meter("tcp", tmp_path, security) as held:
        answer = ask(client, held.question(**wrong))
        assert "error" in answer
        assert "clock" not in answer
        assert "error" not in ask(client, held.question()), "the right one still does"


@CLIENTS
def test_counters_already_seen_are_refused(client: str, tmp_path: Path) -> None:
    with meter("tcp", tmp_path, Security.HLS_GMAC) as held:
        question = held.question()
        assert "error" not in ask(client, question)
        assert "error" in ask(client, question), "the same counters again"
        assert "error" in ask(client, question | {"counter": question["counter"] - 30})
        assert "error" not in ask(client, held.question())


@CLIENTS
def test_an_older_key_command_is_refused(client: str, tmp_path: Path) -> None:
    with meter("tcp", tmp_path, Security.HLS_GMAC) as held:
        assert ask(client, held.question(**held.rotation(5)))["rotated"] is True
        before = held.model.keys.state(KeySlot.SUA)
        later = command_counter(6)
        for command in (4, 5):
            answer = ask(client, held.question(**held.rotation(command), counter=later))
            assert "rotated" not in answer
            assert "error" in answer
            later += 40
        assert held.model.keys.state(KeySlot.SUA) == before


@CLIENTS
def test_a_request_with_a_tampered_tag_is_refused(client: str, tmp_path: Path) -> None:
    with meter("tcp", tmp_path, Security.HLS_GMAC, spoil="tag") as held:
        before = held.model.keys.state(KeySlot.SUA)
        answer = ask(client, held.question(**held.rotation(1)))
        assert "error" in answer
        assert "clock" not in answer
        assert held.model.keys.state(KeySlot.SUA) == before
