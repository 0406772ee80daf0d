"""DLMS/COSEM security suite 0: AES-GCM-128 with 12-octet tags, invocation counters, HLS-GMAC
(IEC 62056-5-3, 9.2; NIST SP 800-38D).

    IV  = sender's system title (8) | invocation counter (4)
    AAD = security control | authentication key [| plaintext, where it is not encrypted]

No key octet ever shows: keys come as `KeyMaterial` and are asked for only where a cipher is made;
nothing here has a repr, an exception text or a local variable with a key in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag
from hmac import compare_digest
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drivers.codecs.errors import LocalProtocolError, ReplayError, SecurityError

_TAG = 12
_HEAD = 5  # security control and invocation counter
_KEY = 16
SYSTEM_TITLE_OCTETS = 8
HIGHEST_COUNTER = 0xFFFF_FFFF


class KeyMaterial(Protocol):
    """Something that holds a key or password and shows it only when asked by name."""

    def reveal(self) -> bytes: ...


class Protection(IntFlag):
    """What is done to an APDU; the two bits of the security control octet."""

    NONE = 0
    AUTHENTICATED = 0x10
    ENCRYPTED = 0x20
    FULL = 0x30


@dataclass(frozen=True, slots=True)
class SecurityKeys:
    """The global unicast encryption key and the authentication key, 16 octets each."""

    encryption: KeyMaterial = field(repr=False)
    authentication: KeyMaterial = field(repr=False)


class InvocationCounter:
    """Counts the messages protected under one encryption key and one system title.

    `value` is what the next message will carry, 1 at first: some peers refuse 0. The owner of the
    key keeps it across restarts, and every context under the same key and title shares one: a
    counter used twice breaks the cipher.
    """

    __slots__ = ("value",)

    def __init__(self, value: int = 1) -> None:
        self.value = value

    def take(self) -> bytes:
        """The four octets of the next counter, used up."""
        value = self.value
        if not 0 <= value <= HIGHEST_COUNTER:
            raise LocalProtocolError("invocation counter exhausted: the key must be replaced")
        self.value = value + 1
        return value.to_bytes(4, "big")


class CipherContext:
    """Both directions between two system titles under one pair of keys.

    `newest_seen` is the highest counter of an accepted message, -1 before the first. The caller
    keeps it across restarts too, or a replay from before the restart passes.
    """

    __slots__ = ("_aad", "_gcm", "newest_seen", "own_title", "peer_title", "sending")

    def __init__(
        self,
        keys: SecurityKeys,
        own_title: bytes,
        peer_title: bytes | None = None,
        *,
        sending: InvocationCounter | None = None,
        newest_seen: int = -1,
    ) -> None:
        for title in (own_title, peer_title):
            if title is not None and len(title) != SYSTEM_TITLE_OCTETS:
                raise LocalProtocolError(f"system title: expected 8 octets, got {len(title)}")
        self.own_title = own_title
        self.peer_title = peer_title
        self.sending = sending or InvocationCounter()
        self.newest_seen = newest_seen
        self.rekey(keys)

    def rekey(self, keys: SecurityKeys) -> None:
        """Use other keys from now on. The counters go on, so no IV repeats whatever the keys."""
        for key in (keys.encryption, keys.authentication):
            if len(key.reveal()) != _KEY:
                raise LocalProtocolError("security suite 0: expected keys of 16 octets")
        self._gcm = AESGCM(keys.encryption.reveal())
        self._aad = {
            control: bytes((control,)) + keys.authentication.reveal() for control in (0x10, 0x30)
        }

    def protect(self, plain: bytes, protection: Protection) -> bytes:
        """Security control, counter, ciphertext and tag. Uses up one counter."""
        counter = self.sending.take()
        head = bytes((protection,)) + counter
        iv = self.own_title + counter
        if protection == Protection.FULL:
            return head + self._gcm.encrypt(iv, plain, self._aad[0x30])[: _TAG - 16]
        if protection == Protection.AUTHENTICATED:
            return head + plain + self._gcm.encrypt(iv, b"", self._aad[0x10] + plain)[:_TAG]
        if protection == Protection.ENCRYPTED:
            return head + self._gcm.encrypt(iv, plain, None)[:-16]
        raise LocalProtocolError("nothing to protect with: no protection asked for")

    def unprotect(self, body: bytes, title: bytes | None = None) -> tuple[bytes, Protection]:
        """The plain octets and how they were protected; accepts the counter and remembers it.

        SecurityError: not authentic under these keys. ReplayError: authentic, but the counter is
        not above the newest seen. Either leaves everything as it was. `title` is the sender's,
        where the message carries one; it must be the peer's.
        """
        sender = self._sender(title)
        protection = _protection_of(body)
        counter = body[1:_HEAD]
        if protection == Protection.ENCRYPTED:
            # CTR mode is its own inverse; there is no tag to verify.
            plain = self._gcm.encrypt(sender + counter, body[_HEAD:], None)[:-16]
        else:
            plain = self._opened(sender + counter, body, protection)
        received = int.from_bytes(counter, "big")
        if received <= self.newest_seen:
            raise ReplayError(received, self.newest_seen)
        self.newest_seen = received
        return plain, protection

    def _sender(self, title: bytes | None) -> bytes:
        if self.peer_title is None:
            raise LocalProtocolError("the peer's system title is not known")
        if title and title != self.peer_title:
            raise SecurityError("system title: the message is from another sender")
        return self.peer_title

    def _opened(self, iv: bytes, body: bytes, protection: Protection) -> bytes:
        """The plain octets, if the tag is the one we would have made.

        The library verifies a 12-octet tag only through its slow interface (three times the time
        of this), so the tag is made again and compared in constant time, before anything is
        returned. Decrypting is encrypting: GCM's keystream is a counter mode's.
        """
        if len(body) < _HEAD + _TAG:
            raise SecurityError("protected message is shorter than its tag")
        content, tag = body[_HEAD:-_TAG], body[-_TAG:]
        if protection == Protection.FULL:
            plain = self._gcm.encrypt(iv, content, None)[:-16]
            expected = self._gcm.encrypt(iv, plain, self._aad[0x30])[-16 : _TAG - 16]
        else:
            plain = content
            expected = self._gcm.encrypt(iv, b"", self._aad[0x10] + content)[:_TAG]
        if not compare_digest(expected, tag):
            raise SecurityError("authentication tag does not match")
        return plain

    def answer_challenge(self, challenge: bytes) -> bytes:
        """f(challenge) of HLS-GMAC: security control, counter, tag. Uses up one counter."""
        counter = self.sending.take()
        return b"\x10" + counter + self._challenge_tag(self.own_title + counter, challenge)

    def check_answer(self, answer: bytes, challenge: bytes) -> bool:
        """True if `answer` is the peer's f(`challenge`).

        Its counter is not held against `newest_seen`: the challenge is fresh, and implementations
        differ in which of two counters they draw first.
        """
        if self.peer_title is None or len(answer) != _HEAD + _TAG or answer[0] != 0x10:
            return False
        expected = self._challenge_tag(self.peer_title + answer[1:_HEAD], challenge)
        return compare_digest(expected, answer[_HEAD:])

    def _challenge_tag(self, iv: bytes, challenge: bytes) -> bytes:
        return self._gcm.encrypt(iv, b"", self._aad[0x10] + challenge)[:_TAG]


def _protection_of(body: bytes) -> Protection:
    if len(body) < _HEAD:
        raise SecurityError("protected message has no security control and counter")
    control = body[0]
    if control & 0x0F:
        raise SecurityError(f"security suite {control & 0x0F} is not supported")
    if control & 0xC0:
        raise SecurityError("broadcast key and compression are not supported")
    if not control:
        raise SecurityError("security control names no protection")
    return Protection(control)
