"""Key bytes never show, however a key is looked at; its check value is AES-CMAC's."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from bench.leaks import find_leaks
from bench.secret import Secret, check_value

RFC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
RFC_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
KEY = bytes(range(0x41, 0x51))  # letters: any way of showing them would be readable
SECRET = Secret(KEY, "electricity/sua")


# --- the check value, against AES-CMAC written out from RFC 4493 --------------------------------


def encrypt(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(AES(key), ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def double(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return (number & (1 << 128) - 1 ^ (0x87 if number >> 128 else 0)).to_bytes(16, "big")


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def aes_cmac(key: bytes, text: bytes) -> bytes:
    """RFC 4493, figures 2.2 and 2.3."""
    k1 = double(encrypt(key, bytes(16)))
    blocks = [text[at : at + 16] for at in range(0, len(text), 16)] or [b""]
    last = blocks.pop()
    if len(last) == 16:
        last = xor(last, k1)
    else:
        last = xor((last + b"\x80").ljust(16, b"\0"), double(k1))
    state = bytes(16)
    for block in [*blocks, last]:
        state = encrypt(key, xor(state, block))
    return state


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_the_vectors_of_rfc_4493(length: int, mac: str) -> None:
    assert aes_cmac(RFC_KEY, RFC_TEXT[:length]).hex() == mac


@given(st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
def test_the_check_value_is_three_bytes_of_cmac_over_zeros(key: bytes) -> None:
    expected = aes_cmac(key, bytes(16))[:3].hex().upper()
    assert check_value(key) == Secret(key, "any").check_value == expected


# --- never shown ---------------------------------------------------------------------------------


@dataclass
class Holder:
    name: str
    key: Secret


def fail_with_locals() -> str:
    """A traceback as test runners and crash reporters show it: with the value of every local."""
    key = SECRET
    try:
        raise RuntimeError(key)
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())


def bad_check_value_with_locals() -> str:
    short = Secret(KEY[:15], "too short")
    try:
        return short.check_value
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())


def logged() -> str:
    record = logging.LogRecord("x", 20, "x.py", 1, "key %s, %r", (SECRET, [SECRET]), None)
    return record.getMessage() + repr(record.__dict__)


SHOWN: dict[str, Callable[[], object]] = {
    "repr": lambda: repr(SECRET),
    "str": lambda: str(SECRET),
    "format": lambda: format(SECRET),
    "padded": lambda: f"{SECRET:>80}",
    "f-string": lambda: f"{SECRET} {SECRET!s} {SECRET!r} {SECRET!a}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031
    "in a list": lambda: repr([SECRET, (SECRET,), {SECRET: SECRET}]),
    "in a dataclass": lambda: repr(Holder("x", SECRET)),
    "traceback with locals": fail_with_locals,
    "traceback of a key that is none": bad_check_value_with_locals,
    "log record": logged,
    "dir and slots": lambda: [dir(SECRET), Secret.__slots__],
    "docstring": lambda: Secret.__doc__,
}


@pytest.mark.parametrize("how", SHOWN)
def test_no_way_of_showing_it_shows_the_bytes(how: str) -> None:
    text = repr(SHOWN[how]()).encode()
    assert find_leaks(text, [SECRET, Secret(KEY[:15], "too short")]) == []
    assert b"ABCDEFGH" not in text


def test_it_is_shown_by_label_and_check_value() -> None:
    assert str(SECRET) == repr(SECRET) == f"<Secret electricity/sua kcv={SECRET.check_value}>"
    assert repr(Secret(b"not a key", "password")) == "<Secret password>"


@pytest.mark.parametrize(
    "carry",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda secret: copy.deepcopy(Holder("x", secret)),
        lambda secret: pickle.dumps([secret], protocol=0),
        lambda secret: asdict(Holder("x", secret)),
    ],
)
def test_it_is_not_carried_out_of_the_process(carry: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        carry(SECRET)
    assert find_leaks(str(caught.value).encode(), [SECRET]) == []


def test_it_has_no_dictionary_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(SECRET)
    assert bytes(16) != SECRET


# --- comparing -----------------------------------------------------------------------------------


def test_equal_by_bytes_only() -> None:
    assert Secret(KEY, "a") == Secret(KEY, "b")
    assert Secret(KEY, "a") != Secret(KEY[::-1], "a")
    assert Secret(KEY, "a") != KEY
    assert SECRET.matches(Secret(bytes(bytearray(KEY)), "copy"))
    assert SECRET.reveal() == KEY


def test_the_bytes_are_its_own() -> None:
    buffer = bytearray(KEY)
    secret = Secret(buffer, "x")  # type: ignore[arg-type]
    buffer[0] = 0
    assert secret.reveal() == KEY
