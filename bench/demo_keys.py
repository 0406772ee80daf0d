"""Keys for emulated kit: derived from a public phrase, so they protect nothing and never may."""

from __future__ import annotations

import hashlib
import hmac

from bench.devices import KeySlot
from bench.secret import Secret

PHRASE = b"smets1-bench TEST KEY, public, for emulated devices only"


def demo_key(eui64: str, slot: KeySlot, label: str = "") -> Secret:
    """The 128-bit key that an emulated device of this EUI-64 holds when a scenario begins."""
    key = hmac.new(PHRASE, f"{eui64}/{slot}/{label}".encode(), hashlib.sha256).digest()[:16]
    return Secret(key, f"test key {eui64}/{slot}")


def demo_secret(eui64: str, purpose: str) -> Secret:
    """What else an emulated device and its owner share, by purpose: 128 bits."""
    value = hmac.new(PHRASE, f"{eui64}/{purpose}".encode(), hashlib.sha256).digest()[:16]
    return Secret(value, f"test {purpose} of {eui64}")
