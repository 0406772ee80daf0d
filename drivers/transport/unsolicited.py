"""Messages nobody asked for, kept apart from answers.

The split is made here, above the bytes and below the protocol: the protocol registers a classifier
that knows what such a message looks like, and from then on `read` hands out answers only. What
arrives while nobody reads keeps the stamp the port's reader gave it, and discarding input or
keeping the line quiet never throws a message away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport

_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """A whole message and when its last octet had arrived."""

    at: Micros
    message: bytes


class Classifier(Protocol):
    """Tells messages from answers in a stream cut anywhere. Bounded; takes any octets."""

    def split(self, data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        """The octets that belong to answers, and the messages that became whole.

        It may hold back octets that could still become a message, never longer than it must.
        """

    def give_up(self) -> bytes:
        """What is held back turns out to be no message: the octets, for the answer."""


class LineClassifier:
    """Messages are lines that start with one of `starts` (`b"RING"`, `b"+CMTI:"`).

    Octets are held back only while the line could still be such a message, so a prompt without a
    line end comes through at once; behind `prompt` a message may begin as at the line's beginning.
    A line longer than `longest` is no message.
    """

    def __init__(self, starts: Sequence[bytes], *, prompt: bytes = b"", longest: int = 512) -> None:
        if not starts or not all(starts):
            raise ValueError("at least one start, none of them empty")
        self._starts = tuple(starts)
        self._prompt = prompt
        self._line = bytearray()  # of an answer, as far as it could be the prompt
        self._longest = longest
        self._held = bytearray()
        self._in_answer = False  # in the middle of a line that belongs to an answer
        self._ended = False  # a message just ended with CR, so LF would be the rest of its end

    def split(self, data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        answer = bytearray()
        messages: list[bytes] = []
        for octet in data:
            ends = octet in b"\r\n"
            rest_of_end, self._ended = self._ended and octet == 0x0A, False
            if rest_of_end:
                continue
            if self._in_answer:
                answer.append(octet)
                self._in_answer = not ends and not self._prompted(octet)
            elif ends and self._held:
                if self._is_message():
                    messages.append(bytes(self._held))
                    self._ended = octet == 0x0D
                else:
                    answer += self._held
                    answer.append(octet)
                self._held.clear()
            elif ends:
                answer.append(octet)
            else:
                self._held.append(octet)
                if not self._may_become_message():
                    answer += self._held
                    self._line[:] = self._held[:-1]
                    self._in_answer = not self._prompted(octet)
                    self._held.clear()
        return bytes(answer), tuple(messages)

    def give_up(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        self._in_answer = bool(held)
        return held

    def _prompted(self, octet: int) -> bool:
        """Whether the line is the prompt and nothing else, now that `octet` came."""
        if len(self._line) < len(self._prompt):
            self._line.append(octet)
            return self._line == self._prompt
        return False

    def _is_message(self) -> bool:
        return bytes(self._held).startswith(self._starts)

    def _may_become_message(self) -> bool:
        held = bytes(self._held)
        return len(held) <= self._longest and any(
            held.startswith(start) or start.startswith(held) for start in self._starts
        )


class UnsolicitedQueue:
    """A `Transport` over another: `read` gives answers, `unsolicited` the rest.

    At most 1000 messages are kept; `missed` counts the older ones dropped for newer.
    """

    def __init__(self, inner: Transport, classifier: Classifier) -> None:
        self._inner = inner
        self._classifier = classifier
        self._answers: deque[tuple[Micros, bytes]] = deque()
        self._messages: deque[Unsolicited] = deque()
        self._received_at = inner.received_at
        self.missed = 0

    @property
    def port(self) -> str:
        return self._inner.port

    @property
    def clock(self) -> Clock:
        return self._inner.clock

    @property
    def line(self) -> LineSettings:
        return self._inner.line

    @property
    def received_at(self) -> Micros:
        return self._received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        self._inner.write(data, secrets)

    def read(self, deadline: Micros) -> bytes:
        while not self._answers:
            if not self._take(deadline):
                held = self._classifier.give_up()
                if held:
                    return held  # an answer that began like a message and never ended
                return b""
        self._received_at, data = self._answers.popleft()
        return data

    def unsolicited(self, deadline: Micros) -> Unsolicited | None:
        """The oldest message not yet taken, or None once `deadline` is reached."""
        while not self._messages:
            if not self._take(deadline):
                return None
        return self._messages.popleft()

    def discard_input(self) -> None:
        started = self.clock.now()
        while self._take(started) and self._inner.received_at <= started:
            pass
        self._answers.clear()

    def set_line(self, settings: LineSettings) -> None:
        self._inner.set_line(settings)

    def reopen(self, until: Micros) -> None:
        self._answers.clear()
        self._classifier.give_up()
        self._inner.reopen(until)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, deadline: Micros) -> bool:
        data = self._inner.read(deadline)
        if not data:
            return False
        at = self._inner.received_at
        answer, messages = self._classifier.split(data)
        if answer:
            self._answers.append((at, answer))
        for message in messages:
            if len(self._messages) == _KEPT:
                self._messages.popleft()
                self.missed += 1
            self._messages.append(Unsolicited(at, message))
        return True
