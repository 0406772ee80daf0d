"""A place at a coordinator, held by this bench or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bench.errors import BenchError, Busy, KitFault, PortGone
from bench.labgrid_place.client import Declined, ask, user
from bench.labgrid_place.resource import Resource, resources_in
from bench.spelling import did_you_mean

_POWER_IS: Final = re.compile(r" is (on|off)\s*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """`coordinator` is HOST:PORT, `name` the place's own name, not an alias or a part of it.

    labgrid keeps a place for whoever acquired it until it is released, also when the process that
    did it is dead. Every call takes about a second.
    """

    coordinator: str
    name: str

    def __str__(self) -> str:
        return f"labgrid://{self.coordinator}/{self.name}"

    def acquire(self) -> None:
        """What a dead run of this user on this machine left acquired is taken over: so the caller
        holds the bench's own lock on the place. `Busy`: somebody else has it.
        """
        try:
            known = ask(self.coordinator, "places").split()
        except Declined as said:
            raise PortGone(
                f"labgrid's coordinator at {self.coordinator} does not answer: {said}",
                hint="is it running, and is that its address?",
            ) from None
        if self.name not in known:
            near = did_you_mean(self.name, known) or f"; it has {', '.join(known) or 'none'}"
            raise BenchError(f"labgrid at {self.coordinator} has no place '{self.name}'{near}")
        try:
            self._ask("acquire")
        except Declined:
            self.release()
            try:
                self._ask("acquire")
            except Declined as said:
                raise Busy(
                    f"{self}: cannot be acquired: {said}",
                    hint="labgrid-client who says who has it, labgrid-client show what it lacks",
                ) from None

    def release(self) -> None:
        """If it is held by this bench; safe to repeat, and never takes it from anybody else."""
        try:
            self._ask("release-from", user())
        except Declined as said:
            if "not acquired" not in str(said):
                raise BenchError(
                    f"{self}: not released: {said}",
                    hint=f"labgrid-client -p {self.name} release-from {user()}",
                ) from None

    def resources(self) -> tuple[Resource, ...]:
        """Of a place that is held."""
        try:
            return resources_in(self._ask("env"))
        except (Declined, ValueError) as said:
            raise BenchError(f"{self}: {said}") from None

    def power_is_on(self, resource: str) -> bool:
        """`KitFault`: the power switch does not say."""
        said = self._power(resource, "get")
        found = _POWER_IS.search(said)
        if found is None:
            raise KitFault(f"{self}: power '{resource}': expected on or off, got {said!r}")
        return found[1] == "on"

    def set_power(self, resource: str, *, on: bool) -> None:
        """Read it back: a switch may say yes and do nothing."""
        self._power(resource, "on" if on else "off")

    def _power(self, resource: str, action: str) -> str:
        try:
            return self._ask("power", action, "-n", resource)
        except Declined as said:
            raise KitFault(
                f"{self}: power '{resource}' {action}: {said}",
                hint="labgrid-client power get shows it by hand",
            ) from None

    def _ask(self, *words: str) -> str:
        return ask(self.coordinator, "-p", self.name, *words)
