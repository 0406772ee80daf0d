"""What to host: which emulated devices, behind which ports. The plan of `smets1-bench emulate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.devices import Role
from bench.emulation import Act, FaultSpec
from bench.installation import Installation
from bench.units import Micros


@dataclass(frozen=True, slots=True)
class PtyPlace:
    """A pty behind the symlink `link`, which stays the same for as long as it is hosted."""

    link: Path


@dataclass(frozen=True, slots=True)
class TcpPlace:
    """A listening TCP port; 0 takes a free one."""

    host: str
    port: int


Place = PtyPlace | TcpPlace


@dataclass(frozen=True, slots=True)
class Hosted:
    """A device or a piece of bench kit, by its name on the station; `profile` as in a station."""

    name: str
    role: Role
    profile: str
    place: Place


@dataclass(frozen=True, slots=True)
class HostingPlan:
    """The installation that is emulated, and which of it can be reached.

    `feeds`: the channel of the relay board that feeds each device's mains. `measures`: the device
    whose feed the reference meter measures. `security`: in place of the profiles' own, for meters.
    `paced`: octets on a pty take the time of the line. `state`: the file that keeps what the
    devices hold over restarts.
    """

    installation: Installation
    hosted: tuple[Hosted, ...]
    seed: int = 1
    feeds: Mapping[str, int] = field(default_factory=dict)
    measures: str = ""
    security: str = ""
    paced: bool = True
    faults: tuple[FaultSpec, ...] = ()
    state: Path | None = None


class HostedKit(Protocol):
    """Devices that can be reached now."""

    def ready(self) -> Sequence[Mapping[str, Any]]:
        """For each device what its `ready` line says: role, port, profile, addresses."""

    def executed(self) -> Mapping[str, Mapping[str, int]]:
        """For each hosted device how often it carried out each operation that changes something."""

    def write_keys(self, path: Path) -> None:
        """Writes what a foreign client shares with the hosted meters, as JSON, 0600. The keys are
        public test keys, the SUA key but for what was transferred since. `UsageError`: it exists.
        """

    def close(self) -> None:
        """Takes the ports down and stores the state; safe to repeat."""


class Watcher(Protocol):
    """Is told what happens to hosted devices, in the order of time."""

    def act(self, act: Act) -> None:
        """A device on a line took a request."""

    def power(self, device: str, at: Micros, up: bool) -> None:
        """A device stopped listening, or listens again."""

    def begin(self, at: Micros, keys: Mapping[str, str]) -> None:
        """From now on; `keys`: the check value of the SUA key that each meter holds."""

    def settle(self, now: Micros) -> None:
        """Every second: it is `now`."""

    def finish(self, at: Micros) -> None:
        """Nothing is served any more."""


class HostFactory(Protocol):
    """The entry point `hosting` of group `smets1_bench.emulators`.

    `watcher` is told by the thread that serves, and so is `failed` that nothing is served any more.
    """

    def __call__(
        self,
        plan: HostingPlan,
        *,
        watcher: Watcher | None,
        failed: Callable[[Exception], None],
    ) -> HostedKit: ...
