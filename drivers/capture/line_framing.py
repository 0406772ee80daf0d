"""A console or a modem: lines of text, and prompts that end without one."""

from __future__ import annotations

from drivers.capture.framing import Found
from drivers.capture.messages import Decoded
from drivers.capture.tape import Tape, plain_text

_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")


class LineFramer:
    """One line is one message, its line end included; empty lines go with the line before them.

    A message's kind is its first word, so that other values do not make it another message.
    """

    def __init__(self) -> None:
        self.sound = 0

    def part(self, tape: Tape) -> list[Found]:
        found: list[Found] = []
        start = 0
        octets = tape.octets
        while start < len(octets):
            end = start
            while end < len(octets) and octets[end] in b"\r\n":
                end += 1
            while end < len(octets) and octets[end] not in b"\r\n":
                end += 1
            while end < len(octets) and octets[end] in b"\r\n":
                end += 1
            found.append(self._line(tape.cut(start, end)))
            start = end
        return found

    def _line(self, tape: Tape) -> Found:
        text = tape.octets.strip(b"\r\n")
        begins = tape.octets.find(text)
        line = tape.cut(begins, begins + len(text))
        words = plain_text(line.segments)
        if not _TEXT.issuperset(tape.octets):
            return tape, Decoded("console", "damaged", words, "no text")
        self.sound += 1
        kind = words.split(" ")[0] if words else "empty line"
        return tape, Decoded("console", kind, words)
