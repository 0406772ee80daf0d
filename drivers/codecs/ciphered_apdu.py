"""The envelopes of ciphered APDUs: glo- and general-glo-ciphering (IEC 62056-5-3, 9.2.7).

    glo-...   tag | length | security control | invocation counter | ciphertext | tag (12)
    general   DB | title length | title | length | security control | ...

Only the envelope is here; `drivers.codecs.security` protects and opens what is inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.codecs.axdr_length import encode_length, octets_at
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

GENERAL_GLO = 0xDB
ENVELOPE_OCTETS = 32
"""What an envelope adds at most: tag, title, lengths, control, counter, authentication tag."""
GLO_OF = {
    0x01: 0x21,  # initiate-request
    0x08: 0x28,  # initiate-response
    0x0E: 0x2E,  # confirmed-service-error
    0xC0: 0xC8,  # get-request
    0xC1: 0xC9,  # set-request
    0xC2: 0xCA,  # event-notification-request
    0xC3: 0xCB,  # action-request
    0xC4: 0xCC,  # get-response
    0xC5: 0xCD,  # set-response
    0xC7: 0xCF,  # action-response
}
"""Service-specific ciphering: the tag of the ciphered APDU by the tag of the plain one."""
PLAIN_OF = {ciphered: plain for plain, ciphered in GLO_OF.items()}
CIPHERED_TAGS = frozenset((GENERAL_GLO, *PLAIN_OF))


@dataclass(frozen=True, slots=True)
class CipheredApdu:
    """A closed envelope. `title` is the sender's system title, which only the general form carries.

    `body` is security control, invocation counter and what follows, as on the wire.
    """

    tag: int
    body: bytes = field(repr=False)
    title: bytes | None = None

    def to_bytes(self) -> bytes:
        head = bytes((self.tag,))
        if self.title is not None:
            head += encode_length(len(self.title)) + self.title
        return head + encode_length(len(self.body)) + self.body

    @classmethod
    def from_bytes(cls, octets: bytes) -> CipheredApdu:
        tag, title, position = octets[0], None, 1
        try:
            if tag == GENERAL_GLO:
                title, position = octets_at(octets, 1)
                if len(title) not in (0, 8):
                    raise RemoteProtocolError(f"system title: expected 8 octets, got {len(title)}")
            body, end = octets_at(octets, position)
        except IndexError:
            raise RemoteProtocolError("ciphered APDU ends before it is complete") from None
        if end != len(octets):
            raise RemoteProtocolError("ciphered APDU: octets behind its end")
        if len(body) < 5:
            raise RemoteProtocolError("ciphered APDU: no security control and invocation counter")
        return cls(tag, body, title)

    @property
    def security_control(self) -> int:
        return self.body[0]

    @property
    def invocation_counter(self) -> int:
        return int.from_bytes(self.body[1:5], "big")

    def check_content(self, plain: bytes) -> None:
        """RemoteProtocolError unless `plain` is the service that the envelope's tag promises."""
        expected = PLAIN_OF.get(self.tag)
        if expected is not None and plain[:1] != bytes((expected,)):
            raise RemoteProtocolError(f"ciphered APDU {self.tag:02X} holds another service")


def envelope(plain_tag: int, body: bytes, title: bytes | None) -> CipheredApdu:
    """The general form where a title is given, else the service-specific one."""
    if title is not None:
        return CipheredApdu(GENERAL_GLO, body, title)
    tag = GLO_OF.get(plain_tag)
    if tag is None:
        raise LocalProtocolError(f"APDU {plain_tag:02X} has no service-specific ciphering")
    return CipheredApdu(tag, body)
