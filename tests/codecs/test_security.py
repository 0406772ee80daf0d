"""Security suite 0 against the Green Book's example; replay; nothing shows a key."""

from __future__ import annotations

import pickle
from types import TracebackType

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from dlms_bench import CLIENT_TITLE, KEYS, OTHER_KEYS, SERVER_TITLE, Key
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.acse import AssociationRequest
from drivers.codecs.apdu import decode_apdu
from drivers.codecs.ciphered_apdu import CipheredApdu
from drivers.codecs.cosem_data import decode_data, encode_data
from drivers.codecs.cosem_types import Enumerated, Unsigned
from drivers.codecs.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    ReplayError,
    SecurityError,
)
from drivers.codecs.initiate import InitiateRequest
from drivers.codecs.key_wrap import (
    KeyId,
    UnwrappedKey,
    WrappedKey,
    key_transfer_data,
    key_transfer_from,
    unwrap_key,
    wrap_key,
)
from drivers.codecs.security import CipherContext, InvocationCounter, Protection, SecurityKeys

COUNTER = 0x01234567
GET_CLOCK = bytes.fromhex("c0010000080000010000ff0200")


def sender(keys: SecurityKeys = KEYS, counter: int = COUNTER) -> CipherContext:
    return CipherContext(keys, SERVER_TITLE, CLIENT_TITLE, sending=InvocationCounter(counter))


def receiver(keys: SecurityKeys = KEYS) -> CipherContext:
    return CipherContext(keys, CLIENT_TITLE, SERVER_TITLE)


# Green Book, "Example: ciphering of xDLMS APDUs": one get-request under the three protections.
EXAMPLES = [
    (
        Protection.AUTHENTICATED,
        "1001234567c0010000080000010000ff020006725d910f9221d263877516",
    ),
    (Protection.ENCRYPTED, "2001234567411312ff935a47566827c467bc"),
    (
        Protection.FULL,
        "3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b",
    ),
]


@pytest.mark.parametrize(("protection", "wire"), EXAMPLES)
def test_the_green_books_example(protection: Protection, wire: str) -> None:
    assert sender().protect(GET_CLOCK, protection).hex() == wire
    assert receiver().unprotect(bytes.fromhex(wire)) == (GET_CLOCK, protection)


def test_the_green_books_hls_gmac_example() -> None:
    """Passes 3 and 4 with the challenges K56iVagY and P6wRJ21F."""
    client = CipherContext(KEYS, CLIENT_TITLE, SERVER_TITLE, sending=InvocationCounter(1))
    server = sender()
    proof = client.answer_challenge(b"P6wRJ21F")
    assert proof.hex() == "10000000011a52fe7dd3e72748973c1e28"
    assert server.answer_challenge(b"K56iVagY").hex() == "1001234567fe1466afb3dbcd4f9389e2b7"
    assert server.check_answer(proof, b"P6wRJ21F")


def test_the_green_books_ciphered_aarq() -> None:
    """A whole AARQ with LLS and a ciphered initiate-request that holds a dedicated key."""
    aarq = decode_apdu(
        bytes.fromhex(
            "6066a109060760857405080103a60a04084d4d4d0000bc614e8a0207808b0760857405080201"
            "ac0a80083132333435363738be34043221303001234567801302ff8a7874133d414ced25b42534d28db0"
            "047720606b175bd52211be6841db204d39ee6fdb8e356855"
        )
    )
    assert isinstance(aarq, AssociationRequest)
    assert aarq.calling_title == SERVER_TITLE  # the example lends the client this title
    assert aarq.authentication_value == b"12345678"
    closed = decode_apdu(aarq.user_information or b"")
    assert isinstance(closed, CipheredApdu)
    plain, _ = receiver().unprotect(closed.body)
    assert plain.hex() == "01011000112233445566778899aabbccddeeff0000065f1f0400007e1f04b0"
    initiate = decode_apdu(plain)
    assert isinstance(initiate, InitiateRequest)
    assert initiate.has_dedicated_key


@given(st.binary(max_size=100), st.sampled_from([Protection.AUTHENTICATED, Protection.FULL]))
def test_the_tag_is_the_librarys_truncated_tag(plain: bytes, protection: Protection) -> None:
    """Our tag check is our own; the library's verifier must agree with what we send."""
    body = sender().protect(plain, protection)
    content, tag = body[5:-12], body[-12:]
    mode = GCM(SERVER_TITLE + body[1:5], tag, min_tag_length=12)
    decryptor = Cipher(AES(KEYS.encryption.reveal()), mode).decryptor()
    aad = body[:1] + KEYS.authentication.reveal()
    encrypted = protection is Protection.FULL
    decryptor.authenticate_additional_data(aad if encrypted else aad + content)
    opened = decryptor.update(content if encrypted else b"") + decryptor.finalize()
    assert (opened if encrypted else content) == plain


@given(st.binary(max_size=100), st.sampled_from([0x10, 0x20, 0x30]).map(Protection))
def test_round_trip(plain: bytes, protection: Protection) -> None:
    assert receiver().unprotect(sender().protect(plain, protection)) == (plain, protection)


@pytest.mark.parametrize("protection", [Protection.AUTHENTICATED, Protection.FULL])
@given(data=st.data())
def test_one_flipped_bit_is_not_authentic(protection: Protection, data: st.DataObject) -> None:
    body = bytearray(sender().protect(GET_CLOCK, protection))
    position = data.draw(st.integers(1, len(body) - 1))
    body[position] ^= 1 << data.draw(st.integers(0, 7))
    context = receiver()
    with pytest.raises(SecurityError):
        context.unprotect(bytes(body))
    assert context.newest_seen == -1


@pytest.mark.parametrize(
    "keys",
    [
        OTHER_KEYS,
        SecurityKeys(KEYS.encryption, OTHER_KEYS.authentication),
        SecurityKeys(OTHER_KEYS.encryption, KEYS.authentication),
    ],
)
def test_other_keys_are_not_authentic(keys: SecurityKeys) -> None:
    with pytest.raises(SecurityError, match="tag"):
        receiver(keys).unprotect(sender().protect(GET_CLOCK, Protection.FULL))


def test_a_counter_is_accepted_once_and_only_upwards() -> None:
    source, context = sender(counter=5), receiver()
    first, second = (source.protect(GET_CLOCK, Protection.FULL) for _ in range(2))
    context.unprotect(second)
    for replayed in (second, first):
        with pytest.raises(ReplayError) as caught:
            context.unprotect(replayed)
        assert caught.value.newest_seen == 6
    assert context.newest_seen == 6
    context.unprotect(source.protect(GET_CLOCK, Protection.FULL))


def test_a_forged_replay_moves_nothing() -> None:
    """A message that is not authentic may claim any counter; it must not shut the real one out."""
    context = receiver()
    forged = b"\x30\xff\xff\xff\xff" + bytes(20)
    with pytest.raises(SecurityError, match="tag"):
        context.unprotect(forged)
    context.unprotect(sender().protect(GET_CLOCK, Protection.FULL))


def test_the_counter_can_run_out_but_not_repeat() -> None:
    context = sender(counter=0xFFFFFFFF)
    context.protect(b"", Protection.FULL)
    with pytest.raises(LocalProtocolError, match="exhausted"):
        context.protect(b"", Protection.FULL)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "no security control"),
        ("30000000", "no security control"),
        ("3000000001" + "00" * 11, "shorter"),
        ("0000000001" + "00" * 20, "no protection"),
        ("3100000001" + "00" * 20, "suite 1"),
        ("7000000001" + "00" * 20, "broadcast"),
        ("b000000001" + "00" * 20, "compression"),
    ],
)
def test_malformed_bodies(body: str, message: str) -> None:
    with pytest.raises(SecurityError, match=message):
        receiver().unprotect(bytes.fromhex(body))


def test_another_senders_title_is_refused() -> None:
    body = sender().protect(GET_CLOCK, Protection.FULL)
    with pytest.raises(SecurityError, match="sender"):
        receiver().unprotect(body, b"XXXXXXXX")


def test_misuse_is_the_callers_fault() -> None:
    with pytest.raises(LocalProtocolError, match="title"):
        CipherContext(KEYS, b"short")
    with pytest.raises(LocalProtocolError, match="16 octets"):
        CipherContext(SecurityKeys(Key(b"short"), KEYS.authentication), CLIENT_TITLE)
    with pytest.raises(LocalProtocolError, match="not known"):
        CipherContext(KEYS, CLIENT_TITLE).unprotect(bytes(30))
    with pytest.raises(LocalProtocolError, match="no protection"):
        sender().protect(b"", Protection.NONE)


# RFC 3394, section 4.1 to 4.6: key-encrypting key, key, wrapped.
KEK = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
DATA = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
RFC_3394 = [
    (16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    (24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    (32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    (24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    (32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    (
        32,
        32,
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
    ),
]


@pytest.mark.parametrize(("kek_octets", "key_octets", "wrapped"), RFC_3394)
def test_rfc_3394(kek_octets: int, key_octets: int, wrapped: str) -> None:
    kek = Key(bytes.fromhex(KEK)[:kek_octets])
    key = Key(bytes.fromhex(DATA)[:key_octets])
    assert wrap_key(kek, key).hex() == wrapped
    assert unwrap_key(kek, bytes.fromhex(wrapped)).reveal() == key.octets


@pytest.mark.parametrize("wrapped", [b"", bytes(24), bytes(23), bytes(8)])
def test_what_was_not_wrapped_under_this_key_is_refused(wrapped: bytes) -> None:
    with pytest.raises(SecurityError, match="not wrapped"):
        unwrap_key(Key(bytes(16)), wrapped)


def test_wrapping_no_key_is_the_callers_fault() -> None:
    with pytest.raises(LocalProtocolError, match="key wrap"):
        wrap_key(Key(bytes(16)), Key(b"short"))


def test_key_transfer_round_trip() -> None:
    keys = [WrappedKey(KeyId.GLOBAL_UNICAST_ENCRYPTION, bytes(24)), WrappedKey(2, bytes(24))]
    assert key_transfer_from(decode_data(encode_data(key_transfer_data(keys)))) == keys


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [(Enumerated(0), b"x")] * 5,
        [[Enumerated(0), b"x"]],
        [(Unsigned(0), b"x")],
        [(Enumerated(0), "x")],
        [(Enumerated(0), b"x", None)],
    ],
)
def test_key_transfers_of_another_shape_are_refused(data: object) -> None:
    with pytest.raises(RemoteProtocolError, match="key_transfer"):
        key_transfer_from(data)  # type: ignore[arg-type]


def test_no_key_shows_in_any_repr_or_error() -> None:
    secret = b"0123456789abcdef"
    keys = SecurityKeys(Key(secret), Key(secret))
    context = CipherContext(keys, CLIENT_TITLE, SERVER_TITLE)
    unwrapped = UnwrappedKey(secret)
    shown = repr([keys, context, unwrapped, WrappedKey(0, secret)])
    for action in (
        lambda: context.unprotect(b"\x30" + bytes(30)),
        lambda: unwrap_key(Key(secret), bytes(24)),
        lambda: wrap_key(Key(secret), Key(secret[:3])),
    ):
        with pytest.raises((SecurityError, LocalProtocolError)) as caught:
            action()
        shown += repr(caught.value) + str(caught.value)
        frame: TracebackType | None = caught.tb
        while frame is not None:  # what a test runner prints with --showlocals
            if frame.tb_frame.f_code.co_filename.endswith(("security.py", "key_wrap.py")) and (
                "codecs/test" not in frame.tb_frame.f_code.co_filename
            ):
                shown += repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
    assert secret.decode() not in shown
    assert secret.hex() not in shown
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(unwrapped)
