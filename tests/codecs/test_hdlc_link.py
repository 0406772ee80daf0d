"""The HDLC link: both roles against each other, every frame lost or doubled in turn, any octets."""

from __future__ import annotations

import pytest
from dlms_bench import PUBLIC, Line, make_server
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.hdlc import FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.hdlc_events import (
    Connect,
    Connected,
    Data,
    Disconnect,
    Disconnected,
    Ending,
    Event,
    FrameRejected,
    PeerIdle,
    UnnumberedData,
)
from drivers.codecs.hdlc_link import HdlcLink, LinkState, Role
from drivers.codecs.hdlc_parameters import LinkParameters

METER, CLIENT, OTHER = HdlcAddress(1, 17), HdlcAddress(16), HdlcAddress(32)


def pair(
    near: LinkParameters | None = None, far: LinkParameters | None = None
) -> tuple[HdlcLink, HdlcLink]:
    return (
        HdlcLink(Role.CLIENT, server=METER, client=CLIENT, parameters=near),
        HdlcLink(Role.SERVER, server=METER, parameters=far),
    )


def connected(
    near: LinkParameters | None = None, far: LinkParameters | None = None
) -> tuple[HdlcLink, HdlcLink]:
    client, server = pair(near, far)
    server.receive(client.send(Connect()))
    client.receive(server.octets_to_send())
    assert client.state is server.state is LinkState.CONNECTED
    return client, server


def frame_of(octets: bytes) -> HdlcFrame:
    (frame,) = FrameReader().receive(octets)
    return frame


def crafted(control: int, information: bytes = b"", source: HdlcAddress = CLIENT) -> bytes:
    """A frame to the meter that no well-behaved client link would make."""
    return HdlcFrame(METER, source, control, information).to_bytes()


# -- connecting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("near", "far", "client_sends", "server_sends"),
    [
        (LinkParameters(), LinkParameters(), 128, 128),
        (LinkParameters(500, 400), LinkParameters(300, 600), 500, 300),
        (LinkParameters(2030, 60), LinkParameters(2030, 1000), 1000, 60),
    ],
)
def test_negotiation_takes_the_smaller(
    near: LinkParameters, far: LinkParameters, client_sends: int, server_sends: int
) -> None:
    client, server = connected(near, far)
    assert client.parameters.send_octets == server.parameters.receive_octets == client_sends
    assert server.parameters.send_octets == client.parameters.receive_octets == server_sends


@pytest.mark.parametrize(
    ("information", "octets"),
    [
        ("", 128),
        ("818000", 128),
        ("8180060501400601f0", 64),
        ("818009060200400502010099", None),
        ("818012050180060140070400000007080400000007", 64),
        ("8280020501", None),
        ("81800305", None),
        ("818003050540", None),
        ("818003060100", None),
    ],
)
def test_snrm_parameters(information: str, octets: int | None) -> None:
    _, server = pair(far=LinkParameters(2030, 2030))
    events = server.receive(crafted(0x93, bytes.fromhex(information)))
    if octets is None:
        assert events == []
        assert server.statistics.malformed_parameters == 1
    else:
        (event,) = events
        assert isinstance(event, Connected)
        expected = {"8180060501400601f0": 240}.get(information, octets)
        assert event.parameters.send_octets == expected


def test_a_server_that_does_not_accept_says_dm() -> None:
    client, server = pair()
    server.accepting = False
    server.receive(client.send(Connect()))
    assert client.receive(server.octets_to_send()) == [Disconnected(Ending.REFUSED)]
    assert client.state is LinkState.DISCONNECTED


def test_disconnecting() -> None:
    client, server = connected()
    assert server.receive(client.send(Disconnect())) == [Disconnected(Ending.CLOSED)]
    assert client.receive(server.octets_to_send()) == [Disconnected(Ending.CLOSED)]


def test_disconnecting_twice_is_answered_by_dm() -> None:
    client, server = connected()
    disc = client.send(Disconnect())
    server.receive(disc)
    server.octets_to_send()  # the UA is lost
    assert server.receive(client.retransmit()) == []
    assert client.receive(server.octets_to_send()) == [Disconnected(Ending.CLOSED)]


def test_a_server_that_lost_the_connection_says_so() -> None:
    client, server = connected()
    server.reset()
    server.receive(client.send(Data(b"hello")))
    assert client.receive(server.octets_to_send()) == [Disconnected(Ending.NOT_CONNECTED)]


def test_another_client_takes_the_link_over_and_the_first_is_told() -> None:
    client, server = connected()
    other = HdlcLink(Role.CLIENT, server=METER, client=OTHER)
    (event,) = server.receive(other.send(Connect()))
    assert isinstance(event, Connected)
    assert event.client == OTHER
    other.receive(server.octets_to_send())
    server.receive(client.send(Data(b"hello")))
    answer = server.octets_to_send()
    assert other.receive(answer) == []
    assert client.receive(answer) == [Disconnected(Ending.NOT_CONNECTED)]


def test_foreign_frames_are_dropped_and_counted() -> None:
    client, server = connected()
    foreign = HdlcFrame(HdlcAddress(9), CLIENT, 0x93).to_bytes()
    assert server.receive(foreign) == []
    assert client.receive(foreign) == []
    assert server.statistics.foreign == client.statistics.foreign == 1
    assert server.octets_to_send() == b""


# -- data --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 1000])
@pytest.mark.parametrize("slice_octets", [0, 1, 7])
def test_payloads_both_ways(size: int, slice_octets: int) -> None:
    payload = bytes(number & 0xFF for number in range(size))

    class Echo:
        def receive_apdu(self, _client: int, octets: bytes) -> bytes:
            assert octets == payload
            return octets[::-1]

        def link_lost(self, _client: int) -> None: ...

    line = Line(Echo(), PUBLIC, slice_octets=slice_octets)  # type: ignore[arg-type]
    line.connect()
    for _ in range(10):  # past the wrap of the numbers modulo 8
        assert line.exchange(payload) == payload[::-1]


def test_segments_and_their_acknowledgements_on_the_wire() -> None:
    client, server = connected(LinkParameters(60, 60), LinkParameters(60, 60))
    seen = []
    octets = client.send(Data(bytes(150)))
    events: list[Event] = []
    while octets:
        seen.append(frame_of(octets))
        events += server.receive(octets)
        octets = server.octets_to_send()
        if octets:
            seen.append(frame_of(octets))
            client.receive(octets)
            octets = client.octets_to_send()
    assert [(frame.control, frame.segmented) for frame in seen] == [
        (0x10, True),
        (0x31, False),
        (0x12, True),
        (0x51, False),
        (0x14, False),
    ]
    assert events == [Data(bytes(150))]


class Counting:
    """Answers each payload with how many it has had."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def receive_apdu(self, _client: int, octets: bytes) -> bytes:
        self.seen.append(octets)
        return bytes((len(self.seen),)) + bytes(200)

    def link_lost(self, _client: int) -> None: ...


@pytest.mark.parametrize("victim", range(14))
@pytest.mark.parametrize("harm", ["lose", "double", "damage"])
def test_each_transmission_harmed_in_turn_is_delivered_once(victim: int, harm: str) -> None:
    """Three long requests with long answers; the n-th transmission is lost, doubled or damaged."""
    counting = Counting()
    line = Line(counting, PUBLIC)  # type: ignore[arg-type]
    line.connect()
    number = 0

    def cut(octets: bytes) -> bytes:
        nonlocal number
        if not octets:
            return octets
        number += 1
        if number - 1 != victim:
            return octets
        if harm == "lose":
            return b""
        return octets * 2 if harm == "double" else octets[:4] + b"\x55" + octets[5:]

    line.cut = cut
    answers = [line.exchange(bytes((request,)) * 200) for request in range(3)]
    assert [answer[0] for answer in answers] == [1, 2, 3]
    assert counting.seen == [bytes((request,)) * 200 for request in range(3)]
    assert number > victim


def test_a_late_server_is_polled() -> None:
    """The server has no answer yet: RR hands the turn back, the next poll fetches the answer."""
    client, server = connected()
    assert server.receive(client.send(Data(b"question"))) == [Data(b"question")]
    assert client.receive(server.acknowledge()) == [PeerIdle()]
    assert server.send(Data(b"answer")) == b""  # not its turn
    server.receive(client.retransmit())
    assert client.receive(server.octets_to_send()) == [Data(b"answer")]


def test_receive_not_ready_holds_segments_back() -> None:
    client, server = connected()
    server.receive(client.send(Data(bytes(200))))
    server.octets_to_send()
    rnr = HdlcFrame(CLIENT, METER, 0x35).to_bytes()
    assert client.receive(rnr) == [PeerIdle()]
    assert client.octets_to_send() == b""
    assert frame_of(client.retransmit()).control == 0x12  # the next segment, when asked to go on


def test_unnumbered_information() -> None:
    client, server = connected()
    assert client.receive(server.send(UnnumberedData(b"push"))) == [UnnumberedData(b"push")]
    assert server.receive(client.send(UnnumberedData(b"hey"))) == [UnnumberedData(b"hey")]


def test_an_invalid_acknowledgement_is_rejected_with_frmr() -> None:
    client, server = connected()
    (event,) = server.receive(crafted(0xB1))  # RR, N(R) = 5
    assert event == FrameRejected(False, "Z: invalid N(R)")
    answer = server.octets_to_send()
    assert frame_of(answer).control == 0x97
    assert frame_of(answer).information == b"\xb1\x00\x08"
    assert client.receive(answer) == [FrameRejected(True, "Z: invalid N(R)")]
    assert client.state is server.state is LinkState.DISCONNECTED


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (crafted(0x10, bytes(129)), "Y: information too long"),
        (crafted(0xF3), "W: control field not implemented"),
    ],
)
def test_what_a_server_rejects(octets: bytes, reason: str) -> None:
    _, server = connected()
    assert server.receive(octets) == [FrameRejected(False, reason)]


def test_a_client_reads_frames_longer_than_negotiated_and_counts_them() -> None:
    client, server = connected()
    server.receive(client.send(Data(b"question")))
    payload = bytes(300)
    long = HdlcFrame(CLIENT, METER, 0x30, b"\xe6\xe7\x00" + payload).to_bytes()
    assert client.receive(long) == [Data(payload)]
    assert client.statistics.oversize == 1


def test_reassembly_is_bounded() -> None:
    server = HdlcLink(Role.SERVER, server=METER, longest_payload=1000)
    server.receive(crafted(0x93))
    events: list[Event] = []
    for number in range(10):
        control = 0x10 | (number & 7) << 1
        frame = HdlcFrame(METER, CLIENT, control, bytes(128), segmented=True)
        events += server.receive(frame.to_bytes())
    assert events == [FrameRejected(False, "Y: information too long")]


def test_frames_out_of_sequence_are_not_delivered() -> None:
    client, server = connected()
    assert server.receive(crafted(0x16, b"\xe6\xe6\x00x")) == []
    assert server.statistics.out_of_sequence == 1
    assert frame_of(server.octets_to_send()).control == 0x11  # RR: still expecting 0
    client.send(Data(b"question"))
    unacknowledging = HdlcFrame(CLIENT, METER, 0x10, b"\xe6\xe7\x00x").to_bytes()
    assert client.receive(unacknowledging) == []
    assert client.statistics.out_of_sequence == 1


def test_a_payload_without_llc_is_dropped_and_counted() -> None:
    _, server = connected()
    assert server.receive(crafted(0x10, b"no LLC")) == []
    assert server.statistics.bad_llc == 1
    assert frame_of(server.octets_to_send()).control == 0x31


def test_misuse_is_the_callers_fault() -> None:
    client, server = pair()
    with pytest.raises(LocalProtocolError, match="disconnected"):
        client.send(Data(b""))
    with pytest.raises(LocalProtocolError, match="disconnect"):
        client.send(Disconnect())
    with pytest.raises(LocalProtocolError, match="disconnected"):
        client.retransmit()
    for command in (Connect(), Disconnect()):
        with pytest.raises(LocalProtocolError, match="server"):
            server.send(command)
    with pytest.raises(LocalProtocolError, match="polled"):
        server.retransmit()
    with pytest.raises(LocalProtocolError, match="address"):
        HdlcLink(Role.CLIENT, server=METER)
    client, _ = connected()
    client.send(Data(b"one"))
    with pytest.raises(LocalProtocolError, match="unanswered"):
        client.send(Data(b"two"))


def test_an_answer_that_outlived_its_connection_is_dropped() -> None:
    client, server = connected()
    server.receive(client.send(Data(b"question")) + client.send(Disconnect()))
    server.octets_to_send()
    assert server.send(Data(b"answer")) == b""
    assert server.statistics.undelivered == 1


def test_payloads_never_show() -> None:
    assert "secret" not in repr([Data(b"secret"), UnnumberedData(b"secret")])


CONTROLS = st.sampled_from([0x93, 0x53, 0x73, 0x1F, 0x97, 0x13, 0x10, 0x32, 0x11, 0x31, 0x15, 0xF3])
FRAMES = st.builds(
    HdlcFrame,
    st.sampled_from([METER, CLIENT, OTHER]),
    st.sampled_from([METER, CLIENT, OTHER]),
    CONTROLS | st.integers(0, 255),
    st.binary(max_size=20) | st.just(b"\xe6\xe6\x00data") | st.just(LinkParameters().to_bytes()),
    st.booleans(),
).map(HdlcFrame.to_bytes)


@given(
    st.sampled_from(list(Role)),
    st.booleans(),
    st.lists(FRAMES | st.binary(max_size=30), max_size=30),
    st.integers(1, 60),
)
def test_any_octets_are_survived(role: Role, live: bool, pieces: list[bytes], size: int) -> None:
    client, server = connected() if live else pair()
    link = client if role is Role.CLIENT else server
    if role is Role.CLIENT and not live:
        link.send(Connect())
    stream = b"".join(pieces)
    for start in range(0, len(stream), size):
        for event in link.receive(stream[start : start + size]):
            if isinstance(event, Data) and role is Role.SERVER:
                link.send(Data(b"answer"))
        # One answer a frame at most: whatever comes, no more goes out than a frame's worth each.
        assert len(link.octets_to_send()) <= 160 * (size // 7 + 1)


def test_the_bench_line_carries_a_server() -> None:
    line = Line(make_server(), PUBLIC)
    line.connect()
    assert line.exchange(b"\xc0\x01\xc1")[:1] == b"\xd8"
