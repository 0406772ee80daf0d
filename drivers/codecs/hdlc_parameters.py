"""The parameters that SNRM and UA negotiate (IEC 62056-46, 6.4.4.4.3.2). The window is always 1."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.codecs.errors import LocalProtocolError

LONGEST_INFORMATION = 2030
_WINDOW = (1).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class LinkParameters:
    """Octets of information per frame, seen from the side that holds the object."""

    send_octets: int = 128
    receive_octets: int = 128

    def __post_init__(self) -> None:
        for octets in (self.send_octets, self.receive_octets):
            if not 1 <= octets <= LONGEST_INFORMATION:
                raise LocalProtocolError(
                    f"information field: expected 1-{LONGEST_INFORMATION} octets, got {octets}"
                )

    def to_bytes(self) -> bytes:
        """The information field of SNRM or UA."""
        return b"\x81\x80\x14\x05\x02%b\x06\x02%b\x07\x04%b\x08\x04%b" % (
            self.send_octets.to_bytes(2, "big"),
            self.receive_octets.to_bytes(2, "big"),
            _WINDOW,
            _WINDOW,
        )


def negotiated(own: LinkParameters, information: bytes) -> LinkParameters | None:
    """`own` limited by the peer's SNRM or UA; None if its information field is malformed."""
    peer = {0x05: 128, 0x06: 128, 0x07: 1, 0x08: 1}
    if information:
        if len(information) < 3 or information[0] != 0x81 or information[1] != 0x80:
            return None
        position, end = 3, 3 + information[2]
        if end != len(information):
            return None
        while position < end:
            if position + 2 > end:
                return None
            name, size = information[position], information[position + 1]
            value = information[position + 2 : position + 2 + size]
            position += 2 + size
            if len(value) != size:
                return None
            if name in peer and size:
                peer[name] = int.from_bytes(value, "big")
    if min(peer.values()) < 1:
        return None
    return LinkParameters(
        send_octets=min(own.send_octets, peer[0x06]),
        receive_octets=min(own.receive_octets, peer[0x05]),
    )
