"""Keys: what a meter says of them must be so, and what it acknowledges must be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.conduct.breach import Breach, Watched, done
from bench.devices import KeySlot, KeyState
from bench.effects import Act
from bench.invariant import Invariant
from bench.secret import Secret

_ABOUT_KEYS = ("rotate_key", "prove_key", "key_state")


def keys(watched: Watched) -> Iterator[Breach]:
    for device in watched.installation.meters:
        truth = watched.before.devices[device.name]
        held = truth.keys.get(KeySlot.SUA)
        followed = _Followed(device.name, None if held is None else held.check_value)
        for act in watched.asked(device.name, *_ABOUT_KEYS):
            yield from followed.see(act)
        yield from followed.end(watched)


@dataclass(slots=True)
class _Followed:
    """One meter's key as its answers tell it.

    `certain`: the check value of the key it must hold now; None while a command may have changed
    it. `known`: of every key it may hold. `acknowledged`: the newest command said to be carried
    out, until the meter proved its key. `last`: the key proven last. `carried`: of each key that
    was sent while another was the last, the counter of the first command with it; `taken`: the
    newest of those that the meter must have taken, as it proved their key.
    """

    name: str
    certain: str | None
    known: set[str] = field(default_factory=set)
    acknowledged: str | None = None
    denied: Act | None = None
    counter: int = -1
    carried: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    last: str | None = None
    proven: tuple[str, Act] | None = None

    def __post_init__(self) -> None:
        self.last = self.certain
        if self.certain is not None:
            self.known.add(self.certain)

    def see(self, act: Act) -> Iterator[Breach]:
        if act.operation == "key_state":
            if isinstance(act.answer, KeyState):
                yield from self._stated(act, act.answer)
            return
        key = next(given for given in act.given if isinstance(given, Secret)).check_value
        if act.operation == "rotate_key":
            yield from self._not_held()
            self.known.add(key)
            if key != self.last:
                self.carried.setdefault(key, act.given[2])
            self.certain = self.proven = None
            self.acknowledged = key if done(act) else None
        elif act.answer is True:
            yield from self._proven(act, key)
        elif act.answer is False:
            yield from self._denied(act, key)

    def end(self, watched: Watched) -> Iterator[Breach]:
        yield from self._not_held()
        truth = watched.after.devices[self.name].keys.get(KeySlot.SUA)
        if truth is None:
            return
        proven = "" if self.proven is None else self.proven[0]
        explained = truth.check_value == proven or truth.check_value in self.carried
        newest = max(self.taken, self.counter)
        if explained and truth.counter is not None and truth.counter < newest:
            detail = f"it had taken command {newest}, and goes by {truth.counter} now"
            yield Breach(self.name, Invariant.COUNTER, detail)
        elif self.proven is not None and truth.check_value != self.proven[0]:
            key, act = self.proven
            detail = f"it proved {key} and holds {truth.check_value}"
            yield self._breach(Invariant.FALSE_PROOF, act, detail)

    def _not_held(self) -> Iterator[Breach]:
        """A command was acknowledged, its key denied, and nothing came after that proves it."""
        if self.denied is not None and self.acknowledged is not None:
            yield self._breach(
                Invariant.ACKNOWLEDGED,
                self.denied,
                f"it acknowledged the key {self.acknowledged} and did not hold it then",
            )
        self.denied = self.acknowledged = None

    def _proven(self, act: Act, key: str) -> Iterator[Breach]:
        if self.certain is not None and key != self.certain:
            yield self._breach(
                Invariant.FALSE_PROOF, act, f"it proved {key} and holds {self.certain}"
            )
        elif self.denied is not None and key == self.acknowledged:
            yield self._breach(Invariant.KEY_DENIED, self.denied, f"it denied {key}, which it held")
        if key == self.acknowledged:
            self.acknowledged = self.denied = None
        self.certain = self.last = key
        self.proven = key, act
        self.taken = max(self.taken, self.carried.get(key, 0))

    def _denied(self, act: Act, key: str) -> Iterator[Breach]:
        if key == self.acknowledged:
            self.denied = self.denied or act
        elif key == self.certain:
            yield self._breach(Invariant.KEY_DENIED, act, f"it denied {key}, which it holds")

    def _stated(self, act: Act, state: KeyState) -> Iterator[Breach]:
        if state.check_value not in self.known:
            yield self._breach(
                Invariant.KEY_LOST,
                act,
                f"it states a key ({state.check_value}) that nobody sent it",
            )
        if state.counter < self.counter:
            yield self._breach(
                Invariant.COUNTER, act, f"it had seen {self.counter}, and states {state.counter}"
            )
        self.counter = max(self.counter, state.counter)

    def _breach(self, what: Invariant, act: Act, detail: str) -> Breach:
        return Breach(self.name, what, detail, act.at)
