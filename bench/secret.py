"""A key that cannot be printed, pickled, compared by accident or logged.

A dataclass field that holds key bytes shows up in tracebacks, JUnit files and reports. `Secret`
shows its check value only. `reveal()` is the single way to the bytes, so that a search for it
finds every place that touches them.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

_AES_KEY_SIZES: Final = (16, 24, 32)


class Secret:
    """Key material with a label. Equality is constant-time; the hash is the identity's."""

    __slots__ = ("__bytes", "_check_value", "label")

    def __init__(self, value: bytes, label: str) -> None:
        self.__bytes = bytes(value)
        self.label = label
        self._check_value: str | None = None

    def reveal(self) -> bytes:
        """The key bytes. Only codecs, the key store and emulated devices call this."""
        return self.__bytes

    @property
    def check_value(self) -> str:
        """Key check value, six hex digits: the first three bytes of AES-CMAC(key, 16 zero bytes)

        (ANSI X9.24-1:2017 annex A). It names a key without giving it away.
        """
        if len(self.__bytes) not in _AES_KEY_SIZES:
            raise ValueError(f"expected a key of 16, 24 or 32 bytes, got {len(self.__bytes)}")
        if self._check_value is None:
            self._check_value = check_value(self.__bytes)
        return self._check_value

    def matches(self, other: Secret) -> bool:
        """Constant-time comparison."""
        return hmac.compare_digest(self.__bytes, other.__bytes)

    def __repr__(self) -> str:
        is_key = len(self.__bytes) in _AES_KEY_SIZES
        return f"<Secret {self.label}{f' kcv={self.check_value}' if is_key else ''}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other)

    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} must not be pickled or copied out of the process")


def check_value(key: bytes) -> str:
    """The key check value of an AES key (16, 24 or 32 bytes), as six upper-case hex digits."""
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.cmac import CMAC

    mac = CMAC(AES(key))
    mac.update(bytes(16))
    return mac.finalize()[:3].hex().upper()
