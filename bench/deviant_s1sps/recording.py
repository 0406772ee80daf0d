"""S1SPs that leave out steps, files and reports, or make some that are not theirs to make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench.deviant_s1sps.form import S1sp, breaks
from bench.parties import Actor, Group
from bench.trace import Closed, Event, File, Opened, Report, Step


class _OfGroup(S1sp):
    """Knows the group of the installation it works on."""

    def __init__(self) -> None:
        self.group = ""

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Opened):
            self.group = event.group or ""
        yield event


@breaks("A.1-ma122")
class OmitsMa122(S1sp):
    """Reports a failure at commissioning in MRR6 without the code MA122."""

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Report) and event.code == "MA122":
            return (replace(event, code=None),)
        return (event,)


@breaks("A.1-ma122")
class ReportsMa122Elsewhere(S1sp):
    """Reports a failure at commissioning with MA122, in another report than MRR6."""

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Report) and event.report == "MRR6":
            return (replace(event, report="other"),)
        return (event,)


@breaks("2.5.4-no-mgf")
class SendsAnMgfForDa(_OfGroup):
    """Generates a migration group file for an installation of group DA."""

    def tells(self, event: Event) -> Iterable[Event]:
        yield from super().tells(event)
        if self.group == Group.DA and isinstance(event, File) and event.file == "MVF":
            yield replace(event, file="MGF")


@breaks("2.3.2-authorised-first")
class MakesTheMcfAtOnce(S1sp):
    """Generates the migration common file when the installation is opened."""

    def tells(self, event: Event) -> Iterable[Event]:
        yield event
        if isinstance(event, Opened):
            yield File(at=event.at, installation=event.installation, file="MCF", action="generated")


class _LeavesOut(S1sp):
    section = ""

    def tells(self, event: Event) -> Iterable[Event]:
        left_out = isinstance(event, Step) and event.section == self.section
        return () if left_out else (event,)


@breaks("2.4.1.1-before-mcf")
class SkipsTheInstallationChecks(_LeavesOut):
    """Leaves out the checks of 2.4.1.1."""

    section = "2.4.1.1"


@breaks("2.4-both-validations")
class SkipsItsOwnValidation(_LeavesOut):
    """Leaves out its own validation, 2.4.4."""

    section = "2.4.4"


@breaks("2.5.1.1-before-switch")
class SwitchesUnchecked(_LeavesOut):
    """Switches the account without the checks of 2.5.1.1."""

    section = "2.5.1.1"


@breaks("2.4-both-validations")
class ValidatesForTheIocS1sp(S1sp):
    """Does the common validation of 2.4.5 itself, which is the IOC S1SP's."""

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Step) and event.section == "2.4.5":
            return (replace(event, actor=Actor.S1SP),)
        return (event,)


@breaks("2.6.2-not-entered")
class ChecksDevicesOfDa(_OfGroup):
    """Makes the on-device checks of 2.6.2 for an installation of group DA."""

    def tells(self, event: Event) -> Iterable[Event]:
        yield from super().tells(event)
        if self.group == Group.DA and isinstance(event, Step) and event.section == "2.5.10":
            yield replace(event, section="2.6.2")


@breaks("2.6.7-commissioning-file")
class GeneratesNoScf(S1sp):
    """Generates no S1SP commissioning file."""

    def tells(self, event: Event) -> Iterable[Event]:
        return () if isinstance(event, File) and event.file == "SCF" else (event,)


@breaks("2.5.5-resubmittable")
class ClosesForGood(S1sp):
    """Closes an installation as failed whose account it switched back for another try."""

    def tells(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Closed) and event.outcome == "resubmittable":
            return (replace(event, outcome="failed"),)
        return (event,)
