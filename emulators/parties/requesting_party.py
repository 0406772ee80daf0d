"""The Requesting Party: submits the installation and, for group EA, tries again by 3.4.1."""

from __future__ import annotations

from collections.abc import Sequence

from bench.clock import Appointment, Clock
from bench.emulation import RequestingPartyBehaviour, ResubmissionPolicy, Try
from bench.parties import Inbox, ListedDevice, SubmissionReceived, SubmissionsEnded, Validation
from bench.units import Micros
from emulators.parties.books import devices_in


class EmulatedRequestingParty:
    """Without a policy it submits once for each opening, whatever the answer.

    With one it submits again when the policy says, until an answer is a yes, cannot be mended by
    another try, or the policy gives up; then `SubmissionsEnded` follows. A party that does not
    keep the policy has a `wait` or a number of `repeats` of its own. An answer to a submission
    that is not the last one is ignored.
    """

    __slots__ = (
        "_behaviour",
        "_clock",
        "_devices",
        "_inbox",
        "_last_wait",
        "_next",
        "_policy",
        "_submitted",
        "_tries",
    )

    def __init__(
        self,
        clock: Clock,
        inbox: Inbox,
        behaviour: RequestingPartyBehaviour,
        policy: ResubmissionPolicy | None,
        devices: Sequence[ListedDevice],
    ) -> None:
        self._clock = clock
        self._inbox = inbox
        self._behaviour = behaviour
        self._policy = policy
        self._devices = devices_in(behaviour.lists, devices)
        self._tries: list[Try] = []
        self._submitted: Micros | None = None
        self._last_wait: Micros | None = None
        self._next: Appointment | None = None

    def open(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._tries.clear()
        self._submitted = None
        if self._behaviour.submits_after is not None:
            self._submit_at(self._clock.now() + self._behaviour.submits_after)

    def answer(self, number: int, result: Validation, *, retryable: bool) -> None:
        if self._submitted is None or number != len(self._tries) + 1:
            return
        now = self._clock.now()
        self._tries.append(Try(self._submitted, now))
        self._submitted = None
        if self._policy is None or result.accepted:
            return
        if not retryable:
            self._end("another try cannot mend it")
            return
        next_at, reason = self._decide(self._policy)
        if next_at is None:
            self._end(reason)
        else:
            self._submit_at(next_at)

    def _decide(self, policy: ResubmissionPolicy) -> tuple[Micros | None, str]:
        """When to try again, or None and why not."""
        wait, repeats = self._behaviour.wait, self._behaviour.repeats
        if repeats is not None and len(self._tries) > repeats:
            return None, f"gave up after {repeats} repeats"
        last = self._tries[-1].ended
        next_at = policy.next_at(tuple(self._tries))
        if next_at is not None:
            self._last_wait = next_at - last
        elif repeats is None or (wait is None and self._last_wait is None):
            return None, policy.reason
        own = self._last_wait if wait is None else wait
        assert own is not None, "the policy gave a wait, or the party has its own"
        return last + own, ""

    def _submit_at(self, at: Micros) -> None:
        self._next = self._clock.call_at(at, self._submit)

    def _submit(self) -> None:
        self._submitted = now = self._clock.now()
        number = len(self._tries) + 1
        self._inbox.deliver(SubmissionReceived(number, now, self._devices))

    def _end(self, reason: str) -> None:
        self._next = self._clock.call_at(
            self._clock.now(), lambda: self._inbox.deliver(SubmissionsEnded(reason))
        )
