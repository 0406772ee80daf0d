"""The IOC S1SP in its Migration Common Validation Function role."""

from __future__ import annotations

from collections.abc import Sequence

from bench.clock import Clock
from bench.emulation import IocS1spBehaviour, Reply
from bench.parties import Actor, ListedDevice, Validation
from emulators.parties.desk import PARTY_TAKES, channel_to_party


class EmulatedIocS1sp:
    """What section 2.4.5 checks is not public, so it says yes unless its behaviour has a code."""

    __slots__ = ("_behaviour", "channel")

    def __init__(self, clock: Clock, behaviour: IocS1spBehaviour) -> None:
        self._behaviour = behaviour
        self.channel = channel_to_party(Actor.IOC_S1SP.value, clock)

    def validate_common(self, devices: Sequence[ListedDevice]) -> Validation:
        code = self._behaviour.code
        reply = Reply.SILENT if self._behaviour.silent else Reply.ACCEPTED
        return self.channel.ask(
            "validate_common", lambda: Validation(not code, code), PARTY_TAKES, reply
        )
