"""What a meter and the bench share beside the keys that are rotated."""

from __future__ import annotations

from dataclasses import dataclass

from bench.demo_keys import demo_secret
from bench.secret import Secret


@dataclass(frozen=True, slots=True)
class MeterKeys:
    """`password`: of the reader under LLS. `authentication`: the authentication key of every
    ciphering client. `reader`, `management`: the global unicast keys of the clients `reader` and
    `keys`. `master`: the key-encryption key that wraps a key in transfer.

    None: the bench does not hold it; what needs it is refused before anything is sent.
    """

    password: Secret | None = None
    authentication: Secret | None = None
    reader: Secret | None = None
    management: Secret | None = None
    master: Secret | None = None


def demo_meter_keys(eui64: str) -> MeterKeys:
    """Those of an emulated meter: public, derived from its EUI-64 like `bench.demo_keys`."""
    password = Secret(demo_secret(eui64, "password").reveal().hex()[:16].encode(), "test password")
    return MeterKeys(
        password,
        demo_secret(eui64, "authentication key"),
        demo_secret(eui64, "reader key"),
        demo_secret(eui64, "management key"),
        demo_secret(eui64, "master key"),
    )
