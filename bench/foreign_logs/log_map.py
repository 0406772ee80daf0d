"""The form of a map: which column of a foreign log becomes which field of which event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bench.errors import UsageError
from bench.file_model import read
from bench.foreign_logs.map_checks import problems_of
from bench.yaml_source import listed, load


class LogFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


class Choice(StrEnum):
    """What a local time means that a clock shows twice, when it is put back."""

    REFUSE = "refuse"
    EARLIER = "earlier"
    LATER = "later"


class Rest(StrEnum):
    """What becomes of rows that no entry fits."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How the log writes times.

    `format` is `iso`, `epoch-seconds`, `epoch-milliseconds`, or a pattern such as
    `%d/%m/%Y %H:%M:%S`. `zone` is needed where the times do not carry their own offset.
    """

    format: str = "iso"
    zone: str = ""
    twice: Choice = Choice.REFUSE


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value comes from: a column, or a constant.

    `codes` says what each value of the column stands for; without it the value is taken as it is.
    `otherwise` stands for values that `codes` does not list. `separator` parts a list. An empty
    cell is no value.
    """

    column: str = ""
    constant: str | int | bool | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Rows whose columns have one of the values in `when` state this event."""

    event: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fields: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogMap:
    """The form of a map file.

    `common` are fields of every event, `at` and `installation` among them; an entry's own come
    before them. A row is judged by the first entry that fits. `skip` leaves out rows that fit any
    of its conditions. In a JSON log a column is a field, of a nested object as `outer.inner`.
    """

    map: str
    log: LogFormat
    common: Mapping[str, Source]
    events: tuple[Entry, ...]
    time: TimeForm = field(default_factory=TimeForm)
    about: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    skip: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    rest: Rest = Rest.REFUSE


def read_map(path: Path) -> LogMap:
    """Raises UsageError with everything that is wrong with the map, each at file:line:col."""
    document = load(path)
    log_map = read(document, LogMap)
    problems = sorted(problems_of(document, log_map), key=lambda p: (p.line, p.column))
    if problems:
        raise UsageError(listed(problems))
    return log_map
