"""Keys, envelopes, chains and checkpoints: what is signed cannot be exchanged or cut."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.evidence.chain import Chain, chain_text, head_of, heads
from bench.evidence.checkpoints import (
    Checkpoint,
    CheckpointWriter,
    off_trace,
    read_checkpoints,
)
from bench.evidence.signing import (
    PRIVATE,
    PUBLIC,
    Signer,
    envelope_of,
    enveloped,
    new_key,
    pre_authentication,
    public_key_of,
    read_private_key,
    read_public_key,
    store_key,
)
from bench.leaks import find_leaks
from bench.secret import Secret

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def test_pre_authentication_as_the_protocol_writes_it() -> None:
    """The example of the DSSE protocol, v1."""
    assert (
        pre_authentication("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_ed25519_as_the_rfc_has_it() -> None:
    """RFC 8032, 7.1, TEST 2."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    signer = Signer(Ed25519PrivateKey.from_private_bytes(secret))
    assert signer.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@given(kind=st.text(max_size=20), payload=st.binary(max_size=99))
def test_an_envelope_is_read_as_it_was_written(kind: str, payload: bytes) -> None:
    envelope = enveloped(kind, payload, SIGNER)
    assert envelope_of(envelope.text()) == envelope
    assert envelope.signed_by(SIGNER.verifier)
    assert not envelope.signed_by(OTHER.verifier)
    assert not replace(envelope, key_id=OTHER.key_id).signed_by(OTHER.verifier)
    assert not replace(envelope, payload=payload + b"x").signed_by(SIGNER.verifier)
    assert not replace(envelope, kind=kind + "x").signed_by(SIGNER.verifier)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"\xff", b'{"signatures": [1]}', b"[" * 5000]
)
def test_no_envelope(text: bytes) -> None:
    assert envelope_of(text) is None


def test_one_form_of_an_envelope_only() -> None:
    """Other JSON of the same meaning would let two files pass for one."""
    text = enveloped("kind", b"payload", SIGNER).text()
    found = json.loads(text)
    assert envelope_of(json.dumps(found).encode()) is None
    assert envelope_of(text + b" ") is None
    found["signatures"] *= 2
    assert envelope_of(json.dumps(found).encode()) is None


def test_a_new_key_is_kept_safe(tmp_path: Path) -> None:
    key = new_key()
    store_key(key, tmp_path)
    path = tmp_path / PRIVATE
    assert path.stat().st_mode & 0o777 == 0o600
    signer, verifier = read_private_key(path), read_public_key(tmp_path / PUBLIC)
    assert signer.key_id == verifier.key_id
    assert verifier.accepts(signer.sign(b"x"), b"x")
    with pytest.raises(UsageError, match="there is a key already"):
        store_key(new_key(), tmp_path)
    assert read_private_key(path).key_id == signer.key_id
    seed = Secret(key.private_bytes_raw(), "seed")
    for text in (repr(signer), f"{signer}", str(vars(signer.verifier))):
        assert not find_leaks(text.encode(), [seed])


def test_keys_that_are_none(tmp_path: Path) -> None:
    store_key(new_key(), tmp_path)
    private, public = tmp_path / PRIVATE, tmp_path / PUBLIC
    with pytest.raises(UsageError, match="got a private one, which nobody else needs"):
        read_public_key(private)
    for mode in (0o644, 0o600):
        public.chmod(mode)
        with pytest.raises(UsageError, match="expected the private key that signs, got a public"):
            read_private_key(public)
    (other := tmp_path / "other").write_bytes(b"no key")
    other.chmod(0o600)
    with pytest.raises(UsageError, match="expected an Ed25519 private key in PEM"):
        read_private_key(other)
    with pytest.raises(UsageError, match="expected a public key: No such file"):
        read_public_key(tmp_path / "absent")
    private.chmod(0o640)
    with pytest.raises(UsageError, match=r"only its owner may read \(mode 0600\), got mode 0640"):
        read_private_key(private)
    assert public_key_of(b"") is None


@given(lines=st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b"") + b"\n")))
def test_a_chain_tells_any_history_from_any_other(lines: list[bytes]) -> None:
    chain = Chain()
    for line in lines:
        chain.add(line)
    trace = b"".join(lines)
    assert head_of(trace) == chain.head
    assert len(heads(trace)) == chain.length == len(lines)
    assert chain_text(trace).split() == [head.encode() for head in heads(trace)]
    for at in range(len(lines)):
        assert head_of(b"".join(lines[:at] + lines[at + 1 :])) != chain.head
    assert head_of(trace + b"x\n") != chain.head


TRACE = b"".join(b"line %d\n" % number for number in range(10))


def checkpoints(signer: Signer | None = SIGNER) -> list[Checkpoint]:
    file = io.BytesIO()
    writer = CheckpointWriter(file, signer)
    for number, line in enumerate(TRACE.splitlines(keepends=True), 1):
        writer.add(line)
        if number in (3, 7):
            assert writer.unmarked in (3, 4)
            writer.mark(number)
    writer.mark(10, last=True)
    found = read_checkpoints(file.getvalue())
    assert found is not None
    return found


@pytest.mark.parametrize("signer", [SIGNER, None], ids=["signed", "unsigned"])
def test_checkpoints_agree_with_their_trace(signer: Signer | None) -> None:
    found = checkpoints(signer)
    assert [each.lines for each in found] == [3, 7, 10]
    assert off_trace(found, heads(TRACE)) == ""
    assert all(each.signed_by(SIGNER.verifier) is (signer is SIGNER) for each in found)
    assert not any(each.signed_by(OTHER.verifier) for each in found)


def test_a_cut_tail_is_found() -> None:
    found, all_heads = checkpoints(), heads(TRACE)
    for length in range(len(all_heads)):
        assert off_trace(found, all_heads[:length])
    for kept in range(1, len(found)):
        for length in range(len(all_heads) + 1):
            assert off_trace(found[:kept], all_heads[:length]), "cut off both files"
    assert off_trace(found[1:], all_heads)
    assert off_trace([found[0], found[2]], all_heads)
    assert off_trace([found[1], found[0], found[2]], all_heads)
    assert off_trace(found, heads(TRACE + b"more\n"))
    assert off_trace(found, heads(TRACE.replace(b"line 1", b"line I")))


def test_a_checkpoint_cannot_be_made_the_last() -> None:
    """Whoever cuts both files has to sign a new last checkpoint."""
    found = checkpoints()
    forged = replace(found[1], last=True)
    assert off_trace([found[0], forged], heads(TRACE)[:7]) == ""
    assert not forged.signed_by(SIGNER.verifier)
    for change in ({"lines": 8}, {"head": "0" * 64}, {"at": ""}, {"number": 3}, {"key": ""}):
        assert not replace(found[1], **change).signed_by(SIGNER.verifier)  # type: ignore[arg-type]
    bad = base64.b64encode(bytes(64)).decode()
    for signature in ("", "x", bad):
        assert not replace(found[1], signature=signature).signed_by(SIGNER.verifier)


@pytest.mark.parametrize("text", [b"", b"{}\n", b"1\n", b"\xff\n", b'{"number": 1}\n', b"[" * 9000])
def test_no_checkpoints(text: bytes) -> None:
    assert read_checkpoints(text) is None
