"""What a capture says: each protocol, damage, key material, any content."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import (
    KEY,
    ciphered_session,
    console_session,
    meanings,
    messages_of,
    meter_session,
    modbus_session,
)

from bench.units import SECOND
from drivers.capture.decoding import decode, sniff
from drivers.capture.hiding import Hidden, Segment
from drivers.capture.listing import as_json, listing
from drivers.capture.messages import Language
from drivers.capture.records import CaptureRecord, Direction, Happening, Noted, Passed
from drivers.codecs.acse import AssociationRequest, Mechanism
from drivers.codecs.cosem_types import VisibleString
from drivers.codecs.hdlc import HdlcAddress, HdlcFrame
from drivers.codecs.iec62056_21_messages import Command, Data
from drivers.codecs.modbus_frames import with_checksum
from drivers.codecs.xdlms import ActionRequest, GetResponse, Method

AT = 1_617_874_200 * SECOND
OUT, IN = Direction.OUT, Direction.IN
METER, CLIENT = HdlcAddress(1, 17), HdlcAddress(16)
NAME = "electricity/guek/v2"


def passed(direction: Direction, *segments: Segment, at: int = AT, port: str = "p") -> Passed:
    return Passed(at, port, direction, segments)


def request(apdu: bytes, *, segmented: bool = False, number: int = 0) -> bytes:
    head = b"" if number else b"\xe6\xe6\x00"
    return HdlcFrame(METER, CLIENT, 0x10 | number << 1, head + apdu, segmented).to_bytes()


def answer(apdu: bytes) -> bytes:
    return HdlcFrame(CLIENT, METER, 0x30, b"\xe6\xe7\x00" + apdu).to_bytes()


def test_a_session_with_a_meter_reads_as_what_was_said() -> None:
    items = decode(meter_session())
    assert meanings(items) == [
        "SNRM 16 to 1/17, 23 octets of parameters",
        "UA 1/17 to 16, 23 octets of parameters",
        "I N(S) 0 N(R) 0 16 to 1/17: AARQ: logical names, no authentication",
        "I N(S) 0 N(R) 1 1/17 to 16: AARE: accepted, logical names, no authentication",
        "I N(S) 1 N(R) 1 16 to 1/17: get-request class 3 1.0.1.8.0.255 attribute 2: invoke 1",
        "I N(S) 1 N(R) 2 1/17 to 16: get-response: 123456 (invoke 1)",
        "I N(S) 2 N(R) 2 16 to 1/17: get-request class 8 0.0.1.0.0.255 attribute 2: invoke 2",
        "I N(S) 2 N(R) 3 1/17 to 16: get-response: 07e90701020c000000000000"
        " (2025-07-01 12:00:00) (invoke 2)",
    ]
    assert [message.decoded.trouble for message in messages_of(items)] == [""] * 8


def test_a_ciphered_session_shows_the_envelopes() -> None:
    said = meanings(decode(ciphered_session()))
    assert said[2].endswith(
        "AARQ: logical names, ciphered, HLS-GMAC, title 4d4d4d0000000001, value " + "43" * 16
    )
    assert said[-2].endswith("glo-get-request: counter 5, authenticated, encrypted, 30 octets")


def test_modbus_and_console_sessions_read_as_what_was_said() -> None:
    assert meanings(decode(modbus_session())) == [
        "unit 1: read-holding-registers: 7, 2 of them",
        "unit 1: read-holding-registers answer: 107 108",
        "unit 1: write-coil: 3 = on",
        "unit 1: write-coil answer: 3 = on",
    ]
    key = "key <secret 32 characters, hub/key>"
    assert meanings(decode(console_session())) == [
        *("mains", "mains", "MAINS 230", "OK", "> "),
        *(key, key, "OK", "> "),
    ]


@pytest.mark.parametrize(
    ("session", "language"),
    [
        (meter_session, Language.DLMS),
        (ciphered_session, Language.DLMS),
        (modbus_session, Language.MODBUS),
        (console_session, Language.CONSOLE),
    ],
)
def test_the_language_is_found_out(
    session: Callable[[], list[CaptureRecord]], language: Language
) -> None:
    assert sniff(session()) is language


def test_a_checksum_that_fits_by_chance_does_not_make_text_modbus() -> None:
    chance = with_checksum(b"\x01\x83\x02")
    records: list[CaptureRecord] = [
        passed(OUT, b"status of everything\r\n"),
        passed(IN, chance + b"all of it is well, and more of the same\r\n"),
        passed(OUT, b"and in more detail, please\r\n"),
    ]
    assert sniff(records) is Language.CONSOLE


def test_a_side_that_paused_for_long_begins_anew() -> None:
    records: list[CaptureRecord] = [
        passed(IN, b"\x80", at=AT),
        passed(IN, b"\x81", at=AT + SECOND),
        passed(IN, b"\x82", at=AT + 3 * SECOND),
    ]
    assert meanings(decode(records)) == ["2 octets", "1 octet"]


def test_octets_of_no_language_are_shown_as_they_are() -> None:
    records: list[CaptureRecord] = [
        passed(OUT, b"\x80\x81"),
        passed(IN, b"\xff"),
        passed(IN, b"\0"),
    ]
    assert sniff(records) is Language.OCTETS
    assert meanings(decode(records)) == ["2 octets", "2 octets"]


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("session", [meter_session, modbus_session, console_session])
def test_the_slices_in_which_octets_came_do_not_matter(
    session: Callable[[], list[CaptureRecord]], size: int
) -> None:
    whole = session()
    sliced: list[CaptureRecord] = []
    for record in whole:
        if isinstance(record, Noted):
            sliced.append(record)
            continue
        for segment in record.segments:
            if isinstance(segment, Hidden):
                sliced.append(Passed(record.at, record.port, record.direction, (segment,)))
                continue
            for start in range(0, len(segment), size):
                piece = segment[start : start + size]
                sliced.append(Passed(record.at, record.port, record.direction, (piece,)))
    assert meanings(decode(sliced)) == meanings(decode(whole))


def test_a_sign_on_and_the_hand_over_to_hdlc_are_one_session() -> None:
    frame = HdlcFrame(METER, CLIENT, 0x93).to_bytes()
    records: list[CaptureRecord] = [
        Noted(AT, "p", Happening.OPENED, "300 7E1"),
        passed(OUT, b"/?!\r\n"),
        passed(IN, b"/ABC5\\2meter\r\n"),
        passed(OUT, b"\x06252\r\n"),
        passed(IN, b"\x06252\r\n"),
        Noted(AT, "p", Happening.LINE, "9600 8N1"),
        passed(OUT, frame),
        Noted(AT, "p", Happening.LINE, "300 7E1"),
        passed(OUT, b"/?!\r\n"),
    ]
    assert meanings(decode(records)) == [
        "sign-on: to any meter",
        "identification: ABC meter, 9600 baud, offers HDLC",
        "option-hdlc: baud code 5",
        "option-hdlc: baud code 5",
        "SNRM 16 to 1/17",
        "sign-on: to any meter",
    ]


def test_blocks_of_iec_62056_21_and_a_hidden_pass_word() -> None:
    block = Data(b"1.8.0(0000123.4*kWh)\r\n!\r\n").encode()
    command = Command("P1", b"(12345678)").encode()
    records = [
        passed(OUT, b"/?!\r\n"),
        passed(IN, block),
        passed(OUT, command[:5], Hidden(8, "electricity/password"), command[13:]),
        passed(IN, b"\x06"),
        passed(OUT, b"\x15"),
    ]
    assert meanings(decode(records)) == [
        "sign-on: to any meter",
        r"data: 1.8.0(0000123.4*kWh)\r\n!\r\n",
        "command P1: (<secret 8 characters, electricity/password>)",
        "ACK",
        "NAK",
    ]
    damaged = block.replace(b"3.4", b"3.5")
    (_, message) = messages_of(decode([passed(OUT, b"/?!\r\n"), passed(IN, damaged)]))
    assert message.decoded.trouble.startswith("check character: expected")
    assert "3.5" in message.decoded.meaning


def test_a_pass_word_in_an_aarq_and_a_wrapped_key_in_an_action_are_named() -> None:
    aarq = request(
        AssociationRequest(1, Mechanism.LLS, authentication_value=b"12345678").to_bytes()
    )
    place = aarq.index(b"12345678")
    hidden = passed(OUT, aarq[:place], Hidden(8, "electricity/lls"), aarq[place + 8 :])
    wrapped = bytes(range(0x40, 0x58))
    method = Method(64, bytes((0, 0, 43, 0, 0, 255)), 2)
    action = request(ActionRequest(0xC1, method, [(wrapped,)]).to_bytes())
    place = action.index(wrapped)
    key = passed(OUT, action[:place], Hidden(24, NAME), action[place + 24 :])
    said = meanings(decode([hidden, key]))
    assert said[0].endswith("LLS, value <secret 8 bytes, electricity/lls>")
    assert said[1].endswith(f"method 2: ([{{<secret 24 bytes, {NAME}>}}]) (invoke 1)")
    assert sniff([hidden]) is Language.DLMS


def test_a_key_in_two_segments_of_an_apdu_is_one_secret() -> None:
    apdu = GetResponse(0xC1, VisibleString("pin " + "z" * 20)).to_bytes()
    frames = HdlcFrame(CLIENT, METER, 0x30, b"\xe6\xe7\x00" + apdu[:20], True).to_bytes()
    last = HdlcFrame(CLIENT, METER, 0x32, apdu[20:]).to_bytes()

    def hide(frame: bytes) -> tuple[Segment, ...]:
        start, end = frame.index(b"z"), frame.rindex(b"z") + 1
        return frame[:start], Hidden(end - start, NAME), frame[end:]

    said = meanings(decode([passed(IN, *hide(frames)), passed(IN, *hide(last))]))
    assert said[0].endswith("segment of 23 octets")
    assert said[1].endswith(f'get-response: "pin <secret 20 characters, {NAME}>" (invoke 1)')


def test_damage_is_shown_and_what_follows_it_is_read() -> None:
    good = answer(GetResponse(0xC1, True).to_bytes())
    bad = bytearray(good)
    bad[-5] ^= 1
    records = [
        passed(OUT, good),
        passed(IN, b"\x55\xaa" + bytes(bad) + good[:-3] + good),
        passed(IN, good[:9]),
    ]
    messages = messages_of(decode(records))[1:]
    assert [message.decoded.trouble for message in messages] == [
        "no message, or cut off",
        "FCS wrong",
        "no message, or cut off",
        "",
        "no message, or cut off",
    ]
    assert messages[0].decoded.meaning == "55aa"
    assert "1/17 to 16" in messages[1].decoded.meaning
    assert messages[3].decoded.meaning.endswith("get-response: true (invoke 1)")


def test_frames_that_share_a_flag_are_both_read() -> None:
    frame = answer(GetResponse(0xC1, True).to_bytes())
    shared = passed(IN, frame[:-1] + frame)
    assert [m.decoded.trouble for m in messages_of(decode([shared]))] == ["", ""]


@pytest.mark.parametrize(
    ("direction", "frame", "meaning"),
    [
        (OUT, "010f000000030105", "unit 1: write-coils: 0, 3 of them = 101"),
        (OUT, "01100001000204000a0102", "unit 1: write-registers: 1, 2 of them = 10 258"),
        (OUT, "010600010003", "unit 1: write-register: 1 = 3"),
        (IN, "010101cd", "unit 1: read-coils answer: 10110011"),
        (IN, "018302", "unit 1: read-holding-registers refused: illegal-address (2)"),
        (IN, "0183e0", "unit 1: read-holding-registers refused: code 224"),
        (IN, "011000010002", "unit 1: write-registers answer: 1, 2 of them"),
        (IN, "01410000", "unit 1: function 65 answer: 0000"),
    ],
)
def test_modbus_frames(direction: Direction, frame: str, meaning: str) -> None:
    octets = with_checksum(bytes.fromhex(frame))
    assert meanings(decode([passed(direction, octets)], Language.MODBUS)) == [meaning]


def test_a_damaged_modbus_frame_is_shown() -> None:
    asked = with_checksum(bytes.fromhex("010300070002"))
    said = with_checksum(bytes.fromhex("010304006b006c"))
    records = [
        *(passed(OUT, asked), passed(IN, said[:4] + said[5:])),
        *(passed(OUT, asked), passed(IN, said)),
    ]
    assert sniff(records) is Language.MODBUS
    troubles = [message.decoded.trouble for message in messages_of(decode(records))]
    assert troubles == ["", "no message, or cut off", "", ""]


def test_the_protocol_can_be_said() -> None:
    assert meanings(decode([passed(OUT, b"abc\r\n")], Language.OCTETS)) == ["5 octets"]
    assert meanings(decode([passed(OUT, b"/?!\r\n")], Language.CONSOLE)) == ["/?!"]
    frame = HdlcFrame(METER, CLIENT, 0x93).to_bytes()
    (message,) = messages_of(decode([passed(OUT, frame)], Language.IEC62056_21))
    assert message.decoded.trouble


def test_ports_keep_their_own_language_and_time_order() -> None:
    records = [
        passed(OUT, b"status\r\n", at=AT + 2, port="hub"),
        passed(OUT, HdlcFrame(METER, CLIENT, 0x93).to_bytes(), at=AT + 1, port="meter"),
        passed(IN, b"OK\r\n", at=AT + 3, port="hub"),
    ]
    assert [message.port for message in messages_of(decode(records))] == ["meter", "hub", "hub"]


def test_the_listing_says_when_which_way_and_what() -> None:
    lines = list(listing(decode(console_session())))
    assert lines[0] == "2021-04-08"
    assert lines[1] == f"09:30:00.000000  {'':12}  --  opened: 9600 8N1"
    assert lines[2] == "09:30:00.000000     +0.000000  ->  console      mains"
    assert lines[3].strip() == "6d 61 69 6e 73 0d 0a"
    assert any("6b 65 79 20 <secret 32 bytes, hub/key> 0d 0a" in line for line in lines)
    assert KEY not in "\n".join(lines)
    assert KEY.encode().hex(" ") not in "\n".join(lines)
    short = list(listing(decode(console_session()), octets=False))
    assert not any("6d 61" in line for line in short)


def test_json_holds_the_octets_in_the_captures_form() -> None:
    items = as_json(decode(console_session()))
    key = next(item for item in items if item.get("kind") == "key")
    assert key["data"] == ["6b657920", {"secret": "hub/key", "length": 32}, "0d0a"]
    assert key["since"] == SECOND


def test_what_a_terminal_would_obey_is_escaped() -> None:
    records: list[CaptureRecord] = [
        Noted(AT, "p\x1b[2J", Happening.GONE, "\x1b]0;x\x07\ud800"),
        passed(IN, b"red \x1b[31m\r\n", port="p\x1b[2J"),
        passed(IN, b"k ", Hidden(4, "n\x1b\u202e"), b"\r\n", port="q"),
    ]
    for language in (None, *Language):
        text = "\n".join(listing(decode(records, language)))
        assert all(c.isprintable() or c == "\n" for c in text)


segments = st.lists(
    st.binary(max_size=40)
    | st.builds(Hidden, st.integers(1, 40), st.sampled_from(["a", "b"]))
    | st.sampled_from(
        [
            request(b"\xc0\x01\xc1\x00\x08\x00\x00\x01\x00\x00\xff\x02\x00"),
            answer(b"\xc4\x01\xc1\x00\x0a\x80")[:-4],
            b"\x7e",
            b"\x02\x02\x02",
            b"/?!\r\n",
            b"\x7e\xa0\x07",
            with_checksum(b"\x01\x83\x02"),
        ]
    ),
    max_size=4,
).map(tuple)
any_records = st.lists(
    st.builds(
        Passed,
        st.integers(0, 3 * SECOND),
        st.sampled_from("pq"),
        st.sampled_from(Direction),
        segments,
    )
    | st.builds(Noted, st.integers(0, 9), st.just("p"), st.sampled_from(Happening)),
    max_size=12,
)


@given(any_records, st.sampled_from([None, *Language]))
def test_every_octet_comes_out_once_and_in_order(
    records: list[CaptureRecord], language: Language | None
) -> None:
    items = decode(records, language)
    for port in "pq":
        for direction in Direction:
            stored = [
                octet
                for record in records
                if isinstance(record, Passed)
                and (record.port, record.direction) == (port, direction)
                for segment in record.segments
                for octet in (
                    [segment.reference] * segment.length if isinstance(segment, Hidden) else segment
                )
            ]
            # A flag between two frames belongs to both.
            shown = [
                name or octet
                for message in messages_of(items)
                if (message.port, message.direction) == (port, direction)
                for octet, name in zip(message.tape.octets, message.tape.names, strict=True)
            ]
            without_flags = [octet for octet in shown if octet != 0x7E]
            assert without_flags == [octet for octet in stored if octet != 0x7E]
    list(listing(items))
    as_json(items)


def test_long_noise_is_read_in_reasonable_time() -> None:
    for octet in (b"\x02", b"/", b"\x7e", b"\x7e\xa0\x08", b"\x01\x03"):
        noise = octet * (60_000 // len(octet))
        records: list[CaptureRecord] = [passed(OUT, b"/?!\r\n"), passed(IN, noise)]
        assert re.fullmatch("(.|\n)*", "\n".join(listing(decode(records), octets=False)))
