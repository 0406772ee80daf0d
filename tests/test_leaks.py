"""A key is found wherever its bytes stand, in any of the forms that text gives to bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.leaks import find_leaks
from bench.secret import Secret

KEYS = st.binary(min_size=16, max_size=16)

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "as Python shows bytes": lambda key: repr(key).encode(),
    "as Python shows a bytearray": lambda key: repr(bytearray(key)).encode(),
    "hex": lambda key: key.hex().encode(),
    "HEX": lambda key: key.hex().upper().encode(),
    "hex with blanks": lambda key: key.hex(" ").encode(),
    "hex with colons": lambda key: key.hex(":").upper().encode(),
    "hex with hyphens": lambda key: key.hex("-").encode(),
    "C array": lambda key: ", ".join(f"0x{byte:02X}" for byte in key).encode(),
    "escapes": lambda key: "".join(f"\\x{byte:02x}" for byte in key).encode(),
    "list of numbers": lambda key: str(list(key)).encode(),
    "compact list": lambda key: ",".join(map(str, key)).encode(),
    "base64": base64.b64encode,
    "base64 for URLs": base64.urlsafe_b64encode,
}


@pytest.mark.parametrize("form", FORMS)
@given(key=KEYS)
def test_found_in_every_form(form: str, key: bytes) -> None:
    secret = Secret(key, "the key")
    assert find_leaks(b'{"x": "' + FORMS[form](key) + b'"}', [secret]) == ["the key"]


@given(key=KEYS, before=st.binary(max_size=8), after=st.binary(max_size=8))
def test_found_in_base64_of_more_than_the_key(key: bytes, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + key + after)
    assert find_leaks(b"PEM " + encoded + b" END", [Secret(key, "the key")]) == ["the key"]


@given(key=KEYS, other=KEYS)
def test_another_key_is_not_found(key: bytes, other: bytes) -> None:
    secrets = [Secret(key, "one"), Secret(other, "other")]
    expected = ["one", "other"] if key == other else ["one"]
    assert find_leaks(key.hex().encode(), secrets) == expected


def test_a_check_value_is_no_leak() -> None:
    secret = Secret(bytes(range(100, 116)), "x")
    assert find_leaks(repr(secret).encode(), [secret]) == []
    assert find_leaks(b"", [secret]) == []
