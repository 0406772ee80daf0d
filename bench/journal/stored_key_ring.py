"""A key ring that is in the key store after each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.devices import KeySlot
from bench.journal.key_store import KeyStore
from bench.journal.store import JournalFull
from bench.key_ring import MemoryKeyRing
from bench.secret import Secret


class StoredKeyRing(MemoryKeyRing):
    """On the disk before a change returns, and so before anything is done with the key.

    While a process is handed back what it did the ring follows in memory only, for the file is
    as it was when the run stopped. Both are the same again when it goes live: a ring changes
    between acts, and each change follows from the acts before it.
    """

    def __init__(
        self,
        keys: Mapping[tuple[str, KeySlot], Secret],
        store: KeyStore,
        scenario: str,
        others: Sequence[Secret] = (),
    ) -> None:
        """`others`: keys that the scenario takes for the meters' and no meter holds: not kept."""
        self._store = store
        self._scenario = scenario
        self._others = others
        self._stop: Callable[[JournalFull], None] | None = None
        super().__init__(keys)

    def go_live(self, stop: Callable[[JournalFull], None]) -> None:
        """`stop` stops the run, and does not return, when a change cannot be kept."""
        self._stop = stop
        self._changed()

    def _changed(self) -> None:
        if self._stop is None:
            return
        held = {
            f"{device}/{slot}": {
                state: key for state, key in states.items() if key not in self._others
            }
            for (device, slot), states in self.held().items()
        }
        try:
            self._store.keep(self._scenario, held)
        except JournalFull as error:
            self._stop(error)
