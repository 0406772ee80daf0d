"""The process as a table: which sections a group passes through, in which order.

A *stage* is one function of one case. Where the papers give the section a number and a trace has
`step` events for it, passing it and failing it are recorded. Section numbers are from the papers;
the placement of 2.5.x and 2.6.x in this order is our reading (docs/process.md).

Group DA [S]: checks of its own before the MCF (2.4.1.1) and before the switch (2.5.1.1); no MGF
and therefore neither 2.5.4 nor 2.5.6; no 2.5.9; no on-device checks (2.6.2, 2.6.3) and no 2.6.5;
SUA key rotation (2.6.4.1) instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.errors import PeerError
from bench.migration import (
    account,
    authorisation,
    commissioning,
    group_checks,
    key_rotation,
    on_device,
    smi,
    validation,
)
from bench.migration.case import Case, CheckFailed, SectionFailed
from bench.migration.codes import code_of
from bench.parties import Actor, Group


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the section it belongs to, what is done, who acts, whether it is a `step`."""

    section: str
    act: Callable[[Case], None]
    actor: Actor = Actor.S1SP
    step: bool = True

    def run(self, case: Case) -> None:
        """Does it and records the outcome. Raises `SectionFailed`."""
        try:
            self.act(case)
        except CheckFailed as error:
            self._fail(case, error.code)
        except PeerError as error:
            self._fail(case, code_of(error))
        if self.step:
            case.step(self.section, actor=self.actor)

    def _fail(self, case: Case, code: str) -> None:
        if self.step:
            case.step(self.section, failed=code, actor=self.actor)
        raise SectionFailed(self.section, code)


_AUTHORISATION = (Stage("2.3.2", authorisation.authorise),)
_MCF = Stage("MCF", validation.generate_mcf, step=False)
_MCF_AFTER_RETRY = Stage("3.4.1", validation.generate_mcf, step=False)
_VALIDATION = (
    Stage("2.4.4", validation.validate_at_s1sp),
    Stage("2.4.5", validation.validate_common, Actor.IOC_S1SP),
    Stage("MVF", validation.generate_mvf, step=False),
)
_SWITCH = Stage("2.5.2", account.switch_account)
_GROUP_CHECKS = (
    Stage("2.5.4", group_checks.generate_mgf),
    Stage("2.5.5", group_checks.check_file_set),
    Stage("2.5.6", group_checks.check_group_file),
    Stage("2.5.7", group_checks.check_reachable),
    Stage("2.5.8", group_checks.check_hub),
    Stage("2.5.9", group_checks.check_keys),
    Stage("2.5.10", group_checks.check_han),
)
_ON_DEVICE = (
    Stage("2.6.2", on_device.check_hub_and_electricity),
    Stage("2.6.3", on_device.check_han_devices),
)
_COMPLETION = (
    Stage("2.6.6", smi.update_chf, step=False),
    Stage("2.6.7", smi.generate_scf, step=False),
    Stage("commissioning", commissioning.commission),
)

_DA = (
    *_AUTHORISATION,
    Stage("2.4.1.1", validation.check_installation),
    _MCF,
    *_VALIDATION,
    Stage("2.5.1.1", account.check_before_switch),
    _SWITCH,
    *(stage for stage in _GROUP_CHECKS if stage.section not in ("2.5.4", "2.5.6", "2.5.9")),
    Stage("2.6.4.1", key_rotation.rotate_keys),
    *_COMPLETION,
)
_OTHERS = (
    *_AUTHORISATION,
    _MCF,
    *_VALIDATION,
    _SWITCH,
    *_GROUP_CHECKS,
    *_ON_DEVICE,
    *_COMPLETION,
)

PROCESS: Final[Mapping[Group, tuple[Stage, ...]]] = {
    Group.IOC: _OTHERS,
    Group.MDS: _OTHERS,
    Group.DA: _DA,
    Group.EA: tuple(_MCF_AFTER_RETRY if stage is _MCF else stage for stage in _OTHERS),
}
