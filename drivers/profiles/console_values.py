"""Values of the interface in a console's lines, both ways, as the profile says.

Reading raises ValueError with what was expected; the driver makes `Garbled` of it.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from bench.units import SECOND, Micros, format_instant, parse_instant
from drivers.profiles.console import ConsoleProfile, TimeForm

_EUI64: Final = re.compile(r"[0-9A-F]{16}", re.ASCII)


class ConsoleValues:
    """`read_…` takes a field's text, `say_…` gives it."""

    def __init__(self, profile: ConsoleProfile) -> None:
        self._profile = profile
        self._read = {
            field: {word: value for value, word in words.items()}
            for field, words in profile.words.items()
        }

    def read_word(self, field: str, text: str) -> str:
        words = self._read.get(field)
        if words is None:
            return text
        if text not in words:
            raise ValueError(f"{field}: expected one of {', '.join(words)}, got {text!r}")
        return words[text]

    def say_word(self, field: str, value: str) -> str:
        return self._profile.words.get(field, {}).get(value, value)

    def read_moment(self, text: str) -> Micros | None:
        """None where the console writes that there is none."""
        if text == self._profile.nothing:
            return None
        if self._profile.times is TimeForm.RFC3339:
            try:
                return parse_instant(text)
            except ValueError:
                raise ValueError(f"expected a UTC time, got {text!r}") from None
        return self.read_span(text)

    def say_moment(self, at: Micros | None) -> str:
        if at is None:
            return self._profile.nothing
        return format_instant(at) if self._profile.times is TimeForm.RFC3339 else self.say_span(at)

    def read_span(self, text: str) -> Micros:
        """Seconds, with decimals or without."""
        return int(self.read_number(text) * SECOND)

    def say_span(self, span: Micros) -> str:
        seconds, micros = divmod(span, SECOND)
        return f"{seconds}.{micros:06d}"

    def read_number(self, text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise ValueError(f"expected a number, got {text!r}")
        return number

    def read_eui64(self, text: str) -> str:
        """As the bench writes it, however the console does: `70-B3-D5-1F-30-00-A0-08`."""
        digits = re.sub(r"[-:.]", "", text).upper()
        if not _EUI64.fullmatch(digits):
            raise ValueError(f"expected an EUI-64, got {text!r}")
        return "-".join(digits[place : place + 2] for place in range(0, 16, 2))

    def read_optional_eui64(self, text: str) -> str | None:
        return None if text == self._profile.nothing else self.read_eui64(text)

    def say_optional(self, text: str | None) -> str:
        return self._profile.nothing if text is None else text

    def read_text(self, text: str) -> str:
        """Text that may hold what has no ASCII form."""
        for meant, written in self._profile.spelled.items():
            text = text.replace(written, meant)
        return text

    def say_text(self, text: str) -> str:
        for meant, written in self._profile.spelled.items():
            text = text.replace(meant, written)
        return text
