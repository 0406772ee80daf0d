"""COSEM date-time, date and time (Blue Book 4.1.6.1), and their UTC instants in microseconds.

Any field may be *not specified* (all ones), and day and month have further wildcards, so these
are patterns as much as instants. The deviation is what must be added to local time to get UTC, in
minutes: -60 in Central European winter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from struct import error as StructError  # noqa: N812

from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

NOT_SPECIFIED = 0xFF
YEAR_NOT_SPECIFIED = 0xFFFF
DEVIATION_NOT_SPECIFIED = -0x8000
STATUS_DAYLIGHT_SAVING = 0x80
_DAY_WILDCARDS = (0xFD, 0xFE, NOT_SPECIFIED)  # second-last day, last day, any
_MONTH_WILDCARDS = (0xFD, 0xFE, NOT_SPECIFIED)  # daylight saving end, its begin, any
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_DATE_TIME = Struct(">HBBBBBBBhB")
_DATE = Struct(">HBBB")
_TIME = Struct(">BBBB")


def _packed(layout: Struct, *fields: int) -> bytes:
    try:
        return layout.pack(*fields)
    except StructError as error:
        raise LocalProtocolError(f"date or time: a field does not fit ({error})") from None


def _unpacked(layout: Struct, octets: bytes, name: str) -> tuple[int, ...]:
    if len(octets) != layout.size:
        raise RemoteProtocolError(f"{name}: expected {layout.size} octets, got {len(octets)}")
    return layout.unpack(octets)


@dataclass(frozen=True, slots=True)
class CosemDate:
    """Five octets; `weekday` 1 is Monday."""

    year: int = YEAR_NOT_SPECIFIED
    month: int = NOT_SPECIFIED
    day: int = NOT_SPECIFIED
    weekday: int = NOT_SPECIFIED

    def to_bytes(self) -> bytes:
        return _packed(_DATE, self.year, self.month, self.day, self.weekday)

    @classmethod
    def from_bytes(cls, octets: bytes) -> CosemDate:
        return cls(*_unpacked(_DATE, octets, "date"))


@dataclass(frozen=True, slots=True)
class CosemTime:
    """Four octets."""

    hour: int = NOT_SPECIFIED
    minute: int = NOT_SPECIFIED
    second: int = NOT_SPECIFIED
    hundredths: int = NOT_SPECIFIED

    def to_bytes(self) -> bytes:
        return _packed(_TIME, self.hour, self.minute, self.second, self.hundredths)

    @classmethod
    def from_bytes(cls, octets: bytes) -> CosemTime:
        return cls(*_unpacked(_TIME, octets, "time"))


@dataclass(frozen=True, slots=True)
class CosemDateTime:
    """Twelve octets, kept field by field so that any pattern survives a round trip."""

    year: int = YEAR_NOT_SPECIFIED
    month: int = NOT_SPECIFIED
    day: int = NOT_SPECIFIED
    weekday: int = NOT_SPECIFIED
    hour: int = NOT_SPECIFIED
    minute: int = NOT_SPECIFIED
    second: int = NOT_SPECIFIED
    hundredths: int = NOT_SPECIFIED
    deviation: int = DEVIATION_NOT_SPECIFIED
    status: int = 0

    def to_bytes(self) -> bytes:
        return _packed(
            _DATE_TIME,
            self.year,
            self.month,
            self.day,
            self.weekday,
            self.hour,
            self.minute,
            self.second,
            self.hundredths,
            self.deviation,
            self.status,
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> CosemDateTime:
        return cls(*_unpacked(_DATE_TIME, octets, "date-time"))

    @classmethod
    def from_utc(cls, at_us: int, *, deviation: int = 0, status: int = 0) -> CosemDateTime:
        """The instant as a clock with this deviation shows it; below a hundredth it is cut off."""
        if not -840 <= deviation <= 840:
            raise LocalProtocolError(f"deviation: expected -840 to 840 minutes, got {deviation}")
        try:
            local = _EPOCH + timedelta(microseconds=at_us) - timedelta(minutes=deviation)
        except OverflowError:
            raise LocalProtocolError(f"{at_us} us is outside the years 1-9999") from None
        return cls(
            local.year,
            local.month,
            local.day,
            local.isoweekday(),
            local.hour,
            local.minute,
            local.second,
            local.microsecond // 10_000,
            deviation,
            status,
        )

    def to_utc(self, *, assumed_deviation: int | None = None) -> int | None:
        """Microseconds since 1970 UTC, or None where the fields do not name one instant.

        None: a field down to the second, or the deviation (unless `assumed_deviation` is given),
        is not specified or a wildcard. Hundredths not specified count as 0. RemoteProtocolError:
        the fields are specified but name no date or time, such as 30 February.
        """
        deviation = self.deviation
        if deviation == DEVIATION_NOT_SPECIFIED:
            if assumed_deviation is None:
                return None
            deviation = assumed_deviation
        if (
            self.year == YEAR_NOT_SPECIFIED
            or self.month in _MONTH_WILDCARDS
            or self.day in _DAY_WILDCARDS
            or NOT_SPECIFIED in (self.hour, self.minute, self.second)
        ):
            return None
        hundredths = 0 if self.hundredths == NOT_SPECIFIED else self.hundredths
        try:
            local = datetime(
                self.year,
                self.month,
                self.day,
                self.hour,
                self.minute,
                self.second,
                hundredths * 10_000,
                tzinfo=UTC,
            )
        except ValueError as error:
            raise RemoteProtocolError(f"date-time names no instant: {error}") from None
        return (local - _EPOCH) // _MICROSECOND + deviation * 60_000_000
