"""What a line can do to requests and answers: the conditions of the transport matrix."""

from __future__ import annotations

from enum import StrEnum


class LineCondition(StrEnum):
    """A driver over a line in this condition returns what is true or raises an error of its family,
    within its deadlines; unless its profile says that it `cannot`, and why.
    """

    WHOLE = "whole"
    OCTET_BY_OCTET = "octet-by-octet"
    SPLIT = "split"
    """With pauses inside an answer."""
    LOSS = "loss"
    """Octets of an answer, or its rest."""
    DELAY = "delay"
    """Answers after the time-out, and after the next request."""
    DUPLICATE = "duplicate"
    CORRUPTION = "corruption"
    """Flipped bits and inserted octets."""
    SILENCE = "silence"
    """Requests or answers do not arrive at all."""
    STUCK = "stuck"
    """The line is held at one level."""
    WRONG_LINE = "wrong-line"
    """Another baud rate."""
    BABBLE = "babble"
    """Random octets without end."""
    UNPLUGGED = "unplugged"
