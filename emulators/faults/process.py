"""Faults of the process: what a party does not do, or not when and as it should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bench.emulation import Reply
from bench.parties import Actor
from bench.units import DAY, SECOND
from emulators.exchange import Exchange
from emulators.faults.registry import ASKED_PARTIES, Option, Strike, Undo, party_fault
from emulators.parties.desk import Desk
from emulators.parties.dsp import EmulatedDsp
from emulators.parties.smso import EmulatedSmso

_SMSO: Final = frozenset({Actor.SMSO})
_DSP: Final = frozenset({Actor.DSP})


@party_fault(_SMSO)
def file_set_early(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set comes in the moment in which the account is switched, before the SMSO's
    answer.
    """
    smso.behave(files_after=0)


@party_fault(_SMSO, Option.LASTS)
def file_set_on_time(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set comes `lasts` after the moment (24 h if none is given): struck with the
    MVF, exactly when the limit of 2.5.2 ends.
    """
    due = smso.now() + (DAY if strike.spec.lasts is None else strike.spec.lasts)
    smso.behave(files_after=None)
    smso.send_files(due)


@party_fault(_SMSO, Option.LASTS)
def file_set_late(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set comes a second after `lasts` from the moment is over (24 h if none is
    given): struck with the MVF, just too late for the limit of 2.5.2.
    """
    due = smso.now() + (DAY if strike.spec.lasts is None else strike.spec.lasts) + SECOND
    smso.behave(files_after=None)
    smso.send_files(due)


@party_fault(_SMSO)
def file_set_incomplete(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set lacks something that it must hold."""
    smso.behave(files_complete=False)


@party_fault(_SMSO)
def file_set_duplicated(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set comes twice, a minute apart."""
    smso.copies = 2


@party_fault(_SMSO)
def file_set_missing(smso: EmulatedSmso, strike: Strike) -> None:
    """The required file set never comes."""
    smso.behave(files_after=None)


@party_fault(_SMSO)
def switch_reply_lost(smso: EmulatedSmso, strike: Strike) -> None:
    """The SMSO transfers the account, and its answer is lost each time."""
    smso.behave(transfer=Reply.REPLY_LOST)


@party_fault(_SMSO, Option.CODE)
def switch_back_refused(smso: EmulatedSmso, strike: Strike) -> None:
    """The SMSO does not take the account back and says no, with `code`."""
    smso.behave(take_back=Reply.REFUSED, code=strike.spec.code or "refused")


@party_fault(_DSP)
def incident_never_resolved(dsp: EmulatedDsp, strike: Strike) -> None:
    """Incidents raised from now on are never resolved."""
    dsp.behave(resolves_after=None)


@party_fault(ASKED_PARTIES, Option.LASTS)
def party_silent(desk: Desk, strike: Strike) -> Undo:
    """The party neither does what it is asked nor answers; what it sends unasked still comes."""
    silence = _Silence()
    desk.channel.interceptors.append(silence)
    return lambda: desk.channel.interceptors.remove(silence)


class _Silence:
    """Hears every request and does nothing about it."""

    __slots__ = ()

    def see(self, exchange: Exchange[Any], *, hit: bool) -> Callable[[Exchange[Any]], Any] | None:
        return None if hit else _unheard


def _unheard(exchange: Exchange[Any]) -> Any:
    exchange.reach()
    raise exchange.unanswered()
