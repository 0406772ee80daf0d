"""How a model says no, or nothing."""

from __future__ import annotations


class Rejected(Exception):
    """The device or party will not do what it was asked; nothing of it was done.

    `code` is its own word for why. The host turns this into an answer on the link, and the caller
    meets it as `bench.errors.Refused`.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)


class WentSilent(Exception):
    """The device will not answer this request, whatever it did about it."""
