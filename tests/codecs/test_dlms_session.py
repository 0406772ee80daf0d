"""Client and server sessions against each other: associations, services, security, faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dlms_bench import (
    CLIENT_TITLE,
    CLOCK,
    ENERGY,
    KEYS,
    LONG_VALUE,
    MANAGER,
    NOON,
    OTHER_KEYS,
    PASSWORD,
    PUBLIC,
    READER,
    SECURITY_SETUP,
    SERVER_TITLE,
    Key,
    Line,
    Objects,
    challenges,
    converse,
    make_client,
    make_server,
)
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.acse import (
    ApplicationContext,
    AssociationRequest,
    AssociationResponse,
    Diagnostic,
    Mechanism,
)
from drivers.codecs.apdu import decode_apdu
from drivers.codecs.ciphered_apdu import CipheredApdu
from drivers.codecs.cosem_types import CosemData, DoubleLongUnsigned, LongUnsigned, Unsigned
from drivers.codecs.dlms_admission import ClientAccess
from drivers.codecs.dlms_client import ClientSettings, DlmsClient, SessionState
from drivers.codecs.dlms_events import (
    AccessRefused,
    Associated,
    AssociationRefused,
    Completed,
    Excepted,
    LateAnswer,
    Notified,
    Released,
    Transmit,
)
from drivers.codecs.dlms_server import DlmsServer
from drivers.codecs.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    ReplayError,
    SecurityError,
)
from drivers.codecs.initiate import SUPPORTED, Conformance, InitiateRequest
from drivers.codecs.key_wrap import (
    KEY_TRANSFER_METHOD,
    SECURITY_SETUP_CLASS,
    KeyId,
    WrappedKey,
    key_transfer_data,
    key_transfer_from,
    unwrap_key,
    wrap_key,
)
from drivers.codecs.security import CipherContext, InvocationCounter, Protection, SecurityKeys
from drivers.codecs.xdlms import (
    AccessFailure,
    ActionRequest,
    ActionResponse,
    Attribute,
    DataNotification,
    EventNotification,
    ExceptionResponse,
    GetRequest,
    GetRequestNext,
    GetResponse,
    GetResponseBlock,
    Method,
    ServiceError,
    SetRequestBlock,
    SetResponse,
    SetResponseBlock,
    StateError,
)

CHALLENGE = b"C" * 16
NOT_ALLOWED = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
EVERYONE = pytest.mark.parametrize("address", [PUBLIC, READER, MANAGER])


def associated(
    address: int, server: DlmsServer | None = None, **options: Any
) -> tuple[DlmsClient, DlmsServer]:
    server = server or make_server()
    client = make_client(address, **options)
    event = converse(client, server, address, client.associate_request(CHALLENGE))
    assert isinstance(event, Associated), event
    assert server.is_associated(address)
    return client, server


def answer_of(server: DlmsServer, address: int, apdu: bytes) -> Any:
    octets = server.receive_apdu(address, apdu)
    assert octets is not None
    return decode_apdu(octets)


# -- services --------------------------------------------------------------------------------------


@EVERYONE
@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("max_pdu", [64, 128, 0xFFFF])
def test_every_service_for_every_client(address: int, general: bool, max_pdu: int) -> None:
    client, server = associated(address, general=general, max_pdu=max_pdu)

    def ask(apdu: bytes) -> Any:
        return converse(client, server, address, apdu)

    assert ask(client.get(3, ENERGY, 2)) == Completed(DoubleLongUnsigned(123_456))
    assert ask(client.get(8, CLOCK, 2)) == Completed(NOON.to_bytes())
    assert ask(client.get(3, ENERGY, 9)) == AccessRefused(4)
    assert ask(client.get(1, LONG_VALUE, 2)) == Completed(bytes(range(256)) * 12)
    listed = [Attribute(3, ENERGY, 2), Attribute(3, ENERGY, 9), Attribute(1, LONG_VALUE, 2)]
    results: list[CosemData | AccessFailure] = [
        DoubleLongUnsigned(123_456),
        AccessFailure(4),
        bytes(range(256)) * 12,
    ]
    assert ask(client.get_list(listed)) == Completed(results)
    for value in (b"short", b"long" * 2000):
        expected = AccessRefused(3) if address == PUBLIC else Completed(None)
        assert ask(client.set(1, LONG_VALUE, 2, value)) == expected
        if address != PUBLIC:
            assert ask(client.get(1, LONG_VALUE, 2)) == Completed(value)
    assert ask(client.action(3, ENERGY, 1, Unsigned(5))) == Completed(Unsigned(5))
    assert ask(client.action(3, ENERGY, 1)) == Completed(None)
    assert ask(client.action(3, ENERGY, 1, b"r" * 500)) == Completed(b"r" * 500)
    assert ask(client.action(3, ENERGY, 9)) == AccessRefused(13)
    assert ask(client.release()) == Released()
    assert not server.is_associated(address)
    assert answer_of(server, address, GetRequest(1, Attribute(8, CLOCK, 2)).to_bytes()) == (
        NOT_ALLOWED
    )


@EVERYONE
def test_the_whole_stack_over_hdlc(address: int) -> None:
    server, client = make_server(), make_client(address)
    line = Line(server, address, slice_octets=11)
    line.connect()

    def run(apdu: bytes) -> Any:
        while isinstance(event := client.receive_apdu(line.exchange(apdu)), Transmit):
            apdu = event.apdu
        return event

    assert isinstance(run(client.associate_request(CHALLENGE)), Associated)
    assert run(client.get(1, LONG_VALUE, 2)) == Completed(bytes(range(256)) * 12)
    if address != PUBLIC:
        assert run(client.set(1, LONG_VALUE, 2, b"w" * 4000)) == Completed(None)
    assert run(client.release()) == Released()


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("protection", [Protection.AUTHENTICATED, Protection.ENCRYPTED])
def test_one_protection_alone(protection: Protection, general: bool) -> None:
    access = ClientAccess(
        mechanism=Mechanism.LLS, password=PASSWORD, keys=KEYS, required=protection
    )
    server = DlmsServer(
        Objects(), {READER: access}, system_title=SERVER_TITLE, challenge=challenges()
    )
    settings = ClientSettings(
        mechanism=Mechanism.LLS,
        password=PASSWORD,
        protection=protection,
        general_ciphering=general,
    )
    client = DlmsClient(settings, CipherContext(KEYS, CLIENT_TITLE))
    event = converse(client, server, READER, client.associate_request())
    assert event == Associated(SUPPORTED, 1024, SERVER_TITLE)
    request = client.get(3, ENERGY, 2)
    assert request[0] == (0xDB if general else 0xC8)
    assert converse(client, server, READER, request) == Completed(DoubleLongUnsigned(123_456))


@pytest.mark.parametrize("general", [False, True])
def test_notifications(general: bool) -> None:
    client, server = associated(MANAGER, general=general)
    event = EventNotification(NOON, Attribute(3, ENERGY, 2), Unsigned(1))
    data = DataNotification(7, None, (Unsigned(1), b"x"))
    open_request = client.get(3, ENERGY, 2)
    for notification in (event, data):
        apdu = server.notification(MANAGER, notification)
        assert isinstance(decode_apdu(apdu), CipheredApdu)
        assert client.receive_apdu(apdu) == Notified(notification)
    assert converse(client, server, MANAGER, open_request) == Completed(DoubleLongUnsigned(123_456))
    with pytest.raises(LocalProtocolError, match="no association"):
        server.notification(PUBLIC, event)


# -- association refused ---------------------------------------------------------------------------


def plain_settings(**changes: Any) -> DlmsClient:
    return DlmsClient(ClientSettings(**changes))


REFUSED: list[tuple[str, int, Callable[[], DlmsClient], Diagnostic]] = [
    ("unknown client", 0x55, plain_settings, Diagnostic.NO_REASON_GIVEN),
    ("no mechanism", READER, plain_settings, Diagnostic.MECHANISM_NAME_REQUIRED),
    (
        "other mechanism",
        PUBLIC,
        lambda: plain_settings(mechanism=Mechanism.LLS, password=PASSWORD),
        Diagnostic.MECHANISM_NAME_NOT_RECOGNISED,
    ),
    (
        "wrong password",
        READER,
        lambda: plain_settings(mechanism=Mechanism.LLS, password=Key(b"12345679")),
        Diagnostic.AUTHENTICATION_FAILURE,
    ),
    (
        "empty password",
        READER,
        lambda: plain_settings(mechanism=Mechanism.LLS, password=Key(b"")),
        Diagnostic.AUTHENTICATION_FAILURE,
    ),
    (
        "plain context where the policy wants ciphering",
        MANAGER,
        lambda: DlmsClient(
            ClientSettings(mechanism=Mechanism.HLS_GMAC), CipherContext(KEYS, CLIENT_TITLE)
        ),
        Diagnostic.CONTEXT_NAME_NOT_SUPPORTED,
    ),
    (
        "ciphered context where the server has no keys",
        PUBLIC,
        lambda: DlmsClient(
            ClientSettings(protection=Protection.FULL), CipherContext(KEYS, CLIENT_TITLE)
        ),
        Diagnostic.CONTEXT_NAME_NOT_SUPPORTED,
    ),
    (
        "less protection than the policy wants",
        MANAGER,
        lambda: DlmsClient(
            ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=Protection.AUTHENTICATED),
            CipherContext(KEYS, CLIENT_TITLE),
        ),
        Diagnostic.AUTHENTICATION_FAILURE,
    ),
    (
        "wrong key",
        MANAGER,
        lambda: make_client(MANAGER, keys=OTHER_KEYS),
        Diagnostic.AUTHENTICATION_FAILURE,
    ),
    (
        "the server's own title",
        MANAGER,
        lambda: DlmsClient(
            ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=Protection.FULL),
            CipherContext(KEYS, SERVER_TITLE),
        ),
        Diagnostic.CALLING_TITLE_NOT_RECOGNIZED,
    ),
]


@pytest.mark.parametrize(
    ("address", "make", "diagnostic"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_associations_refused(
    address: int, make: Callable[[], DlmsClient], diagnostic: Diagnostic
) -> None:
    server, client = make_server(), make()
    event = converse(client, server, address, client.associate_request(CHALLENGE))
    assert event == AssociationRefused(1, diagnostic)
    assert client.state is SessionState.IDLE
    assert not server.is_associated(address)


@pytest.mark.parametrize(
    ("initiate", "reason"),
    [
        (InitiateRequest(SUPPORTED, 1024, version=5), "dlms-version-too-low"),
        (InitiateRequest(Conformance.READ, 1024), "incompatible-conformance"),
        (InitiateRequest(SUPPORTED, 63), "pdu-size-too-short"),
    ],
)
def test_initiate_refused(initiate: InitiateRequest, reason: str) -> None:
    server, client = make_server(), make_client(PUBLIC)
    client.associate_request()
    request = AssociationRequest(
        ApplicationContext.LOGICAL_NAMES, user_information=initiate.to_bytes()
    )
    event = converse(client, server, PUBLIC, request.to_bytes())
    assert isinstance(event, AssociationRefused)
    assert reason in str(event)


def test_a_client_pdu_without_limit_is_taken() -> None:
    client, server = associated(PUBLIC, max_pdu=0)
    event = converse(client, server, PUBLIC, client.get(1, LONG_VALUE, 2))
    assert event == Completed(bytes(range(256)) * 12)


def test_a_wrong_proof_ends_the_association() -> None:
    """The client has the keys for the ciphered context but proves the wrong challenge."""
    server, client = make_server(), make_client(MANAGER)
    aare = server.receive_apdu(MANAGER, client.associate_request(CHALLENGE))
    assert aare is not None
    client.receive_apdu(aare)
    assert client.cipher is not None
    proof = client.cipher.answer_challenge(b"another challenge")
    method = Method(15, bytes((0, 0, 40, 0, 0, 255)), 1)
    plain = ActionRequest(0xC2, method, proof).to_bytes()
    body = client.cipher.protect(plain, Protection.FULL)
    answer = server.receive_apdu(MANAGER, CipheredApdu(0xCB, body).to_bytes())
    assert answer is not None
    assert not server.is_associated(MANAGER)
    assert server.receive_apdu(MANAGER, client._sealed(plain)) == NOT_ALLOWED.to_bytes()


def test_before_the_proof_nothing_else_is_served() -> None:
    server, client = make_server(), make_client(MANAGER)
    aare = server.receive_apdu(MANAGER, client.associate_request(CHALLENGE))
    assert aare is not None
    client.receive_apdu(aare)
    assert not server.is_associated(MANAGER)
    get = client._sealed(GetRequest(1, Attribute(3, ENERGY, 2)).to_bytes())
    assert answer_of(server, MANAGER, get) == NOT_ALLOWED


def test_a_server_without_the_key_is_not_believed() -> None:
    """Everything right but pass 4: the impostor repeats what it can and cannot prove the key."""
    server, client = make_server(), make_client(MANAGER)
    aare = server.receive_apdu(MANAGER, client.associate_request(CHALLENGE))
    assert aare is not None
    transmit = client.receive_apdu(aare)
    assert isinstance(transmit, Transmit)
    cipher = CipherContext(KEYS, SERVER_TITLE, CLIENT_TITLE, sending=InvocationCounter(50))
    forged = ActionResponse(0xC1, 0, b"\x10" + bytes(16)).to_bytes()
    apdu = CipheredApdu(0xCF, cipher.protect(forged, Protection.FULL)).to_bytes()
    with pytest.raises(SecurityError, match="prove"):
        client.receive_apdu(apdu)
    assert client.state is SessionState.IDLE


AARE_FAULTS: list[tuple[AssociationResponse, str]] = [
    (AssociationResponse(3, 0, 0, responding_title=SERVER_TITLE), "refused"),
    (
        AssociationResponse(
            3,
            0,
            14,
            responding_title=SERVER_TITLE,
            authentication_value=b"S" * 16,
            user_information=bytes.fromhex("0800065f1f040000501f01f40007"),
        ),
        "without protection",
    ),
    (AssociationResponse(3, 0, 14, responding_title=CLIENT_TITLE), "another server"),
    (AssociationResponse(3, 0, 14, responding_title=b"short"), "another server"),
]


@pytest.mark.parametrize(("response", "message"), AARE_FAULTS)
def test_aares_that_prove_nothing(response: AssociationResponse, message: str) -> None:
    client = make_client(MANAGER)
    client.associate_request(CHALLENGE)
    if message == "refused":
        assert isinstance(client.receive_apdu(response.to_bytes()), AssociationRefused)
    else:
        with pytest.raises(SecurityError, match=message):
            client.receive_apdu(response.to_bytes())
    assert client.state is SessionState.IDLE


@pytest.mark.parametrize(
    ("diagnostic", "challenge", "message"),
    [
        (0, None, "without proving"),
        (0, b"S" * 16, "without proving"),
        (14, CHALLENGE, "other than ours"),
        (14, b"short", "other than ours"),
    ],
)
def test_an_aare_that_dodges_hls(diagnostic: int, challenge: bytes | None, message: str) -> None:
    client = make_client(MANAGER)
    client.associate_request(CHALLENGE)
    cipher = CipherContext(KEYS, SERVER_TITLE, CLIENT_TITLE)
    plain = bytes.fromhex("0800065f1f040000501f01f40007")
    initiate = CipheredApdu(0x28, cipher.protect(plain, Protection.FULL)).to_bytes()
    response = AssociationResponse(3, 0, diagnostic, False, 5, SERVER_TITLE, challenge, initiate)
    with pytest.raises(SecurityError, match=message):
        client.receive_apdu(response.to_bytes())


def test_a_pinned_title_is_kept() -> None:
    settings = ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=Protection.FULL)
    client = DlmsClient(settings, CipherContext(KEYS, CLIENT_TITLE, b"OTHERSRV"))
    answer = make_server().receive_apdu(MANAGER, client.associate_request(CHALLENGE))
    assert answer is not None
    with pytest.raises(SecurityError, match="another server"):
        client.receive_apdu(answer)


# -- late, foreign and unprotected answers ---------------------------------------------------------


def test_a_late_answer_is_never_taken_as_this_one() -> None:
    client, server = associated(PUBLIC)
    first = client.get(8, CLOCK, 2)
    late = server.receive_apdu(PUBLIC, first)
    assert late is not None
    client.abandon()
    second = client.get(3, ENERGY, 2)
    event = client.receive_apdu(late)
    assert isinstance(event, LateAnswer)
    assert converse(client, server, PUBLIC, second) == Completed(DoubleLongUnsigned(123_456))
    event = client.receive_apdu(late)  # nothing is open at all
    assert isinstance(event, LateAnswer)


def test_an_answer_of_another_service_is_the_peers_fault() -> None:
    client, _ = associated(PUBLIC)
    invoke = client.get(3, ENERGY, 2)[2]
    with pytest.raises(RemoteProtocolError, match="another service"):
        client.receive_apdu(SetResponse(invoke, 0).to_bytes())
    assert client.receive_apdu(GetResponse(invoke, None).to_bytes()) == Completed(None)


def test_unprotected_answers_are_refused() -> None:
    client, server = associated(MANAGER)
    request = client.get(3, ENERGY, 2)
    with pytest.raises(SecurityError, match="without protection"):
        client.receive_apdu(GetResponse(0xC2, Unsigned(9)).to_bytes())
    cipher = CipherContext(KEYS, SERVER_TITLE, CLIENT_TITLE, sending=InvocationCounter(90))
    weak = cipher.protect(GetResponse(0xC2, Unsigned(9)).to_bytes(), Protection.AUTHENTICATED)
    with pytest.raises(SecurityError, match="less protection"):
        client.receive_apdu(CipheredApdu(0xCC, weak).to_bytes())
    swapped = cipher.protect(SetResponse(0xC2, 0).to_bytes(), Protection.FULL)
    with pytest.raises(RemoteProtocolError, match="holds another service"):
        client.receive_apdu(CipheredApdu(0xCC, swapped).to_bytes())
    server.sending.value = 100
    assert converse(client, server, MANAGER, request) == Completed(DoubleLongUnsigned(123_456))


def test_a_replayed_answer_is_refused_by_the_client() -> None:
    client, server = associated(MANAGER)
    answer = server.receive_apdu(MANAGER, client.get(3, ENERGY, 2))
    assert answer is not None
    client.receive_apdu(answer)
    with pytest.raises(ReplayError):
        client.receive_apdu(answer)


def test_an_exception_closes_the_request() -> None:
    client, server = associated(PUBLIC)
    request = client.get(3, ENERGY, 2)
    server.link_lost(PUBLIC)
    assert converse(client, server, PUBLIC, request) == Excepted(NOT_ALLOWED)
    client.get(3, ENERGY, 2)  # may be sent again


def test_ciphered_octets_without_keys_are_refused() -> None:
    client, server = associated(PUBLIC)
    closed = CipheredApdu(0xCC, bytes(30)).to_bytes()
    with pytest.raises(SecurityError, match="no keys"):
        client.receive_apdu(closed)
    answer = answer_of(server, PUBLIC, CipheredApdu(0xC8, bytes(30)).to_bytes())
    assert answer == ExceptionResponse(1, ServiceError.DECIPHERING_ERROR)


# -- replay and policy at the server ---------------------------------------------------------------


def test_a_replayed_request_is_refused_across_associations() -> None:
    client, server = associated(MANAGER)
    aarq = make_client(MANAGER).associate_request(CHALLENGE)
    request = client.action(3, ENERGY, 1, Unsigned(1))
    assert converse(client, server, MANAGER, request) == Completed(Unsigned(1))
    counters = server.newest_seen()
    newest = counters[MANAGER, CLIENT_TITLE]
    replayed = answer_of(server, MANAGER, request)
    assert replayed == ExceptionResponse(1, ServiceError.INVOCATION_COUNTER_ERROR, newest)
    # A client that starts its counter over is a replay too, and the standing association ends.
    answer = answer_of(server, MANAGER, aarq)
    assert answer.result == 1
    assert not server.is_associated(MANAGER)
    # A server restarted with what it had kept refuses just the same.
    restarted = make_server()
    restarted.restore_newest_seen(counters)
    assert answer_of(restarted, MANAGER, aarq).result == 1
    assert answer_of(make_server(), MANAGER, aarq).result == 0


def test_two_clients_under_one_key_never_share_a_counter() -> None:
    access = ClientAccess(keys=KEYS, required=Protection.FULL)
    server = DlmsServer(
        Objects(), {1: access, 2: access}, system_title=SERVER_TITLE, challenge=challenges()
    )
    seen = set()
    for address in (1, 2):
        title = b"CLIENT0" + bytes((48 + address,))
        settings = ClientSettings(protection=Protection.FULL)
        client = DlmsClient(settings, CipherContext(KEYS, title))
        converse(client, server, address, client.associate_request())
        for _ in range(3):
            answer = server.receive_apdu(address, client.get(3, ENERGY, 2))
            assert answer is not None
            closed = decode_apdu(answer)
            assert isinstance(closed, CipheredApdu)
            assert closed.invocation_counter not in seen
            seen.add(closed.invocation_counter)
            client.receive_apdu(answer)


def test_unprotected_requests_are_refused_where_the_policy_demands() -> None:
    client, server = associated(MANAGER)
    plain = GetRequest(0xC1, Attribute(3, ENERGY, 2)).to_bytes()
    assert server.receive_apdu(MANAGER, plain) == NOT_ALLOWED.to_bytes()
    assert client.cipher is not None
    weak = client.cipher.protect(plain, Protection.AUTHENTICATED)
    assert answer_of(server, MANAGER, CipheredApdu(0xC8, weak).to_bytes()) == NOT_ALLOWED


def test_a_damaged_request_is_refused_and_the_association_stands() -> None:
    client, server = associated(MANAGER)
    request = bytearray(client.get(3, ENERGY, 2))
    request[-1] ^= 1
    assert answer_of(server, MANAGER, bytes(request)) == ExceptionResponse(
        1, ServiceError.DECIPHERING_ERROR
    )
    client.abandon()
    event = converse(client, server, MANAGER, client.get(3, ENERGY, 2))
    assert event == Completed(DoubleLongUnsigned(123_456))


def test_hls_gmac_in_a_plain_context() -> None:
    access = ClientAccess(mechanism=Mechanism.HLS_GMAC, keys=KEYS)
    server = DlmsServer(
        Objects(), {MANAGER: access}, system_title=SERVER_TITLE, challenge=challenges()
    )
    settings = ClientSettings(mechanism=Mechanism.HLS_GMAC)
    client = DlmsClient(settings, CipherContext(KEYS, CLIENT_TITLE))
    event = converse(client, server, MANAGER, client.associate_request(CHALLENGE))
    assert isinstance(event, Associated)
    event = converse(client, server, MANAGER, client.get(3, ENERGY, 2))
    assert event == Completed(DoubleLongUnsigned(123_456))
    assert server.newest_seen() == {(MANAGER, CLIENT_TITLE): 1}  # that of the proof
    # Not even an authentic ciphered request: the context is without.
    plain = GetRequest(1, Attribute(3, ENERGY, 2)).to_bytes()
    assert client.cipher is not None
    closed = CipheredApdu(0xC8, client.cipher.protect(plain, Protection.FULL)).to_bytes()
    assert answer_of(server, MANAGER, closed).service_error == ServiceError.DECIPHERING_ERROR
    wrong = DlmsClient(settings, CipherContext(OTHER_KEYS, CLIENT_TITLE))
    event = converse(wrong, server, MANAGER, wrong.associate_request(CHALLENGE))
    assert event == AssociationRefused(1, Diagnostic.AUTHENTICATION_FAILURE)


# -- blocks and bounds -----------------------------------------------------------------------------


def test_block_faults_at_the_server() -> None:
    _, server = associated(PUBLIC, max_pdu=128)
    assert answer_of(server, PUBLIC, GetRequestNext(1, 1).to_bytes()).failure == 16
    server.receive_apdu(PUBLIC, GetRequest(1, Attribute(1, LONG_VALUE, 2)).to_bytes())
    assert answer_of(server, PUBLIC, GetRequestNext(1, 2).to_bytes()).failure == 19
    assert answer_of(server, PUBLIC, GetRequestNext(1, 1).to_bytes()).failure == 16
    server.receive_apdu(PUBLIC, GetRequest(1, Attribute(1, LONG_VALUE, 2)).to_bytes())
    server.receive_apdu(PUBLIC, GetRequest(2, Attribute(3, ENERGY, 2)).to_bytes())
    assert answer_of(server, PUBLIC, GetRequestNext(1, 1).to_bytes()).failure == 16
    assert answer_of(server, PUBLIC, SetRequestBlock(1, True, 1, b"").to_bytes()).code == 18
    assert answer_of(server, PUBLIC, bytes.fromhex("c3020100000001")).code == 16


def first_set_block(raw: bytes, last: bool = False, block: int = 1) -> bytes:
    head = "c102010001" + LONG_VALUE.hex() + "0200"
    return bytes.fromhex(head) + SetRequestBlock(0, last, block, raw).to_bytes()[3:]


def test_a_long_set_is_bounded_and_numbered() -> None:
    access = ClientAccess(longest_value=1000)
    server = DlmsServer(
        Objects(), {READER: access}, system_title=SERVER_TITLE, challenge=challenges()
    )
    client = plain_settings()
    converse(client, server, READER, client.associate_request())
    assert answer_of(server, READER, first_set_block(bytes(600))) == SetResponseBlock(1, 1)
    too_much = SetRequestBlock(1, False, 2, bytes(600)).to_bytes()
    assert answer_of(server, READER, too_much).code == 17
    assert answer_of(server, READER, first_set_block(b"", block=2)).code == 19
    server.receive_apdu(READER, first_set_block(b"\x09"))
    garbled = SetRequestBlock(1, True, 2, b"\x05").to_bytes()
    assert answer_of(server, READER, garbled).code == 12
    assert answer_of(server, READER, first_set_block(b"\x11\x05", last=True)).code == 0


def test_block_faults_at_the_client() -> None:
    client, _ = associated(PUBLIC)
    invoke = client.get(3, ENERGY, 2)[2]
    with pytest.raises(RemoteProtocolError, match="expected 1, got 2"):
        client.receive_apdu(GetResponseBlock(invoke, False, 2, b"x").to_bytes())
    invoke = client.get(3, ENERGY, 2)[2]
    refused = GetResponseBlock(invoke, True, 1, failure=15).to_bytes()
    assert client.receive_apdu(refused) == AccessRefused(15)
    invoke = client.set(1, LONG_VALUE, 2, b"short")[2]
    with pytest.raises(RemoteProtocolError, match="block"):
        client.receive_apdu(SetResponseBlock(invoke, 1).to_bytes())


def test_a_value_in_endless_blocks_is_given_up() -> None:
    client = plain_settings(longest_value=1000)
    converse(client, make_server(), PUBLIC, client.associate_request())
    invoke = client.get(3, ENERGY, 2)[2]
    with pytest.raises(RemoteProtocolError, match="more than 1000"):  # noqa: PT012
        for number in range(1, 100):
            client.receive_apdu(GetResponseBlock(invoke, False, number, bytes(100)).to_bytes())


def test_without_block_transfer_a_long_answer_is_refused() -> None:
    conformance = Conformance.GET | Conformance.ACTION | Conformance.SET
    client = plain_settings(conformance=conformance, max_pdu=128)
    server = make_server()
    event = converse(client, server, PUBLIC, client.associate_request())
    assert event == Associated(conformance, 1024, None)

    def ask(apdu: bytes) -> Any:
        return converse(client, server, PUBLIC, apdu)

    assert ask(client.get(1, LONG_VALUE, 2)) == AccessRefused(250)
    assert ask(client.action(3, ENERGY, 1, b"r" * 500)) == AccessRefused(250)
    unknown = ExceptionResponse(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
    assert ask(client.get_list([Attribute(3, ENERGY, 2)])) == Excepted(unknown)


# -- keys ------------------------------------------------------------------------------------------


def test_key_transfer_through_the_security_setup() -> None:
    """New keys wrapped under the master key: the answer is under the old ones, the last so."""
    master = Key(b"M" * 16)

    class Setup(Objects):
        server: DlmsServer

        def action(self, method: Method, parameters: Any, client: int) -> None:
            assert method == Method(SECURITY_SETUP_CLASS, SECURITY_SETUP, KEY_TRANSFER_METHOD)
            new = {
                key.key_id: unwrap_key(master, key.wrapped) for key in key_transfer_from(parameters)
            }
            keys = SecurityKeys(new[KeyId.GLOBAL_UNICAST_ENCRYPTION], new[KeyId.AUTHENTICATION])
            self.server.rekey(client, keys)

    objects = Setup()
    objects.server = server = make_server(objects)
    client, _ = associated(MANAGER, server)
    assert client.cipher is not None
    transfer = key_transfer_data(
        [
            WrappedKey(KeyId.GLOBAL_UNICAST_ENCRYPTION, wrap_key(master, OTHER_KEYS.encryption)),
            WrappedKey(KeyId.AUTHENTICATION, wrap_key(master, OTHER_KEYS.authentication)),
        ]
    )
    request = client.action(SECURITY_SETUP_CLASS, SECURITY_SETUP, KEY_TRANSFER_METHOD, transfer)
    assert converse(client, server, MANAGER, request) == Completed(None)
    event = converse(client, server, MANAGER, client.get(3, ENERGY, 2))  # still the old keys
    assert event == Excepted(ExceptionResponse(1, ServiceError.DECIPHERING_ERROR))
    client.cipher.rekey(OTHER_KEYS)
    event = converse(client, server, MANAGER, client.get(3, ENERGY, 2))
    assert event == Completed(DoubleLongUnsigned(123_456))
    counter = client.cipher.sending.value
    fresh = DlmsClient(
        client.settings,
        CipherContext(OTHER_KEYS, CLIENT_TITLE, sending=InvocationCounter(counter)),
    )
    event = converse(fresh, server, MANAGER, fresh.associate_request(CHALLENGE))
    assert isinstance(event, Associated)
    stale = DlmsClient(
        client.settings,
        CipherContext(KEYS, CLIENT_TITLE, sending=InvocationCounter(counter + 100)),
    )
    event = converse(stale, server, MANAGER, stale.associate_request(CHALLENGE))
    assert event == AssociationRefused(1, Diagnostic.AUTHENTICATION_FAILURE)


def test_a_restarted_counter_is_taken_with_a_new_key() -> None:
    _, server = associated(MANAGER)
    server.rekey(MANAGER, OTHER_KEYS, restart_counter=True)
    associated(MANAGER, server, keys=OTHER_KEYS)


# -- misuse and noise ------------------------------------------------------------------------------


def test_misuse_is_the_callers_fault() -> None:
    client = make_client(PUBLIC)
    with pytest.raises(LocalProtocolError, match="idle"):
        client.get(3, ENERGY, 2)
    with pytest.raises(LocalProtocolError, match="idle"):
        client.release()
    with pytest.raises(LocalProtocolError, match="challenge"):
        make_client(MANAGER).associate_request(b"short")
    with pytest.raises(LocalProtocolError, match="keys"):
        plain_settings(protection=Protection.FULL)
    with pytest.raises(LocalProtocolError, match="password"):
        plain_settings(mechanism=Mechanism.LLS)
    with pytest.raises(LocalProtocolError, match="keys"):
        ClientAccess(required=Protection.FULL)
    with pytest.raises(LocalProtocolError, match="password"):
        ClientAccess(mechanism=Mechanism.LLS)
    client, _ = associated(PUBLIC)
    client.get(3, ENERGY, 2)
    with pytest.raises(LocalProtocolError, match="abandon"):
        client.get(3, ENERGY, 2)
    client.abandon()
    with pytest.raises(LocalProtocolError, match="octets"):
        client.action(3, ENERGY, 1, bytes(2000))


def test_nothing_secret_shows() -> None:
    client = make_client(READER)
    apdu = client.associate_request()
    shown = repr([Transmit(apdu), client.settings, ClientAccess(Mechanism.LLS, PASSWORD, KEYS)])
    assert "12345678" not in shown
    assert "12345678" not in repr(decode_apdu(apdu))


REQUESTS = st.sampled_from(
    [
        make_client(PUBLIC).associate_request(),
        make_client(MANAGER).associate_request(CHALLENGE),
        GetRequest(1, Attribute(1, LONG_VALUE, 2)).to_bytes(),
        GetRequestNext(1, 1).to_bytes(),
        first_set_block(b"\x11\x05"),
        bytes.fromhex("c30101000301000108 00ff0100"),
        bytes.fromhex("6203800100"),
        GetResponse(1, LongUnsigned(1)).to_bytes(),
        SetResponseBlock(1, 1).to_bytes(),
        bytes.fromhex("d80101"),
        bytes.fromhex("0f00000001000600000001"),
    ]
)


@given(
    st.sampled_from([PUBLIC, READER, MANAGER, 99]),
    st.lists(st.tuples(REQUESTS, st.binary(max_size=6), st.integers(0, 60)), max_size=8),
)
def test_any_octets_get_an_answer(address: int, pieces: list[tuple[bytes, bytes, int]]) -> None:
    server = make_server()
    server.receive_apdu(PUBLIC, make_client(PUBLIC).associate_request())
    for octets, noise, at in pieces:
        for apdu in (octets, noise, octets[:at] + noise + octets[at + len(noise) :]):
            answer = server.receive_apdu(address, apdu)
            assert answer is None or decode_apdu(answer)


@given(
    st.sampled_from([PUBLIC, MANAGER]),
    st.booleans(),
    st.lists(st.tuples(REQUESTS, st.binary(max_size=6), st.integers(0, 60)), max_size=8),
)
def test_any_answer_gives_an_event_or_the_peers_fault(
    address: int, standing: bool, pieces: list[tuple[bytes, bytes, int]]
) -> None:
    if standing:
        client, _ = associated(address)
        client.get(3, ENERGY, 2)
    else:
        client = make_client(address)
        client.associate_request(CHALLENGE)
    for octets, noise, at in pieces:
        for apdu in (octets, noise, octets[:at] + noise + octets[at + len(noise) :]):
            try:
                client.receive_apdu(apdu)
            except RemoteProtocolError:
                continue
