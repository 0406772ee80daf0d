"""Reads trace format 1 (docs/trace.md): lines in, events out, and every complaint with its line.

One line is judged on its own here: is it an object (`line`), is the event known and has it its
fields (`event`), is every value one of those listed (`values`). `files` reads whole files. What
depends on other lines (`at` going back, an installation opened twice) is
`bench.conformance.order`'s. Every fault is the writer's of the trace, never a traceback:
`FaultyLine` names what was expected.
"""

from bench.trace_reading.event import event_of
from bench.trace_reading.files import (
    BYTE_ORDER_MARK,
    GZIP,
    LISTED,
    LONGEST_LINE,
    Complaints,
    PlacedRow,
    Places,
    Reading,
    TraceFile,
    TraceSource,
    UnreadableTrace,
    Where,
    read_rows,
    read_trace,
)
from bench.trace_reading.form import whole
from bench.trace_reading.line import FaultyLine, object_of, shown

__all__ = [
    "BYTE_ORDER_MARK",
    "GZIP",
    "LISTED",
    "LONGEST_LINE",
    "Complaints",
    "FaultyLine",
    "PlacedRow",
    "Places",
    "Reading",
    "TraceFile",
    "TraceSource",
    "UnreadableTrace",
    "Where",
    "event_of",
    "object_of",
    "read_rows",
    "read_trace",
    "shown",
    "whole",
]
