"""A console profile against a device: every command that only reads is said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bench.errors import NoReply, PeerError, Refused
from drivers.codecs.console import Answer
from drivers.confirmation.ledger import Ledger, Path
from drivers.console_session import ConsoleSession
from drivers.identification.asking import CountedTransport
from drivers.profiles.console import ConsoleProfile
from drivers.profiles.parts import console_part
from drivers.profiles.profile import Profile

_READS: Final = ("identify", "wan-state", "han-devices", "diagnostics", "display-state")
_COMMANDS: Final[Path] = ("console", "commands")
_WHOLE_ANSWERS: Final = ("prompt", "line-ending", "echo", "done")


class ConsoleCheck:
    """One run over one console."""

    def __init__(self, profile: Profile, transport: CountedTransport, ledger: Ledger) -> None:
        self._profile = profile
        self._console: ConsoleProfile = console_part(profile, profile.role)
        self._ledger = ledger
        self._session = ConsoleSession("device", self._console, profile.timing, transport)
        self._line = transport.line
        self._seen: dict[str, set[str]] = {}

    def run(self) -> None:
        """Raises `PortGone`."""
        self._skip_what_is_not_said()
        try:
            identity = self._session.ask("identify", "identify").fields
        except NoReply:
            nobody = "nothing answers: one of line and console is wrong, or nobody is there"
            for path in (("line",), ("console",)):
                self._ledger.contradict(*path, detail=nobody)
            return
        except PeerError as error:
            self._ledger.contradict(*_COMMANDS, "identify", detail=_said(error))
            self._answered_somehow()
            return
        self._ledger.confirm(*_COMMANDS, "identify", detail=_shown(identity))
        self._answered_somehow()
        self._judge_firmware(identity["firmware"])
        if "sync" in self._console.commands:
            self._say("sync", token="4711")
        for command in _READS[1:]:
            if command in self._console.commands:
                self._say(command)
        self._judge_words()

    def _skip_what_is_not_said(self) -> None:
        ledger = self._ledger
        ledger.skip("role", detail="a console does not state it")
        ledger.skip("firmware", detail="any is accepted")
        ledger.skip("timing", detail="one session does not show the slowest answer")
        ledger.skip("console", detail="did not come up in what was read")
        ledger.skip("console", "errors", detail="nothing was refused")
        ledger.skip("console", "unsolicited", detail="came up by itself or not at all")
        for command in self._console.commands:
            ledger.skip(*_COMMANDS, command, detail="would change the device")
        ledger.skip(*_COMMANDS, "mirrored-registers", detail="no gas meter is joined to ask for")

    def _answered_somehow(self) -> None:
        self._ledger.confirm("line", detail=f"text came at {self._line}")
        for key in _WHOLE_ANSWERS:
            self._ledger.confirm("console", key, detail="a whole answer ended as it says")

    def _say(self, command: str, **parameters: str) -> None:
        try:
            answer = self._session.ask(command, command, changes=False, **parameters)
        except PeerError as error:
            self._ledger.contradict(*_COMMANDS, command, detail=_said(error))
            if isinstance(error, Refused):
                self._ledger.confirm("console", "errors", detail=f"{command}: {_said(error)}")
            return
        if command == "sync" and answer.fields["token"] != parameters["token"]:
            detail = f"it repeats {answer.fields['token']}"
            self._ledger.contradict(*_COMMANDS, command, detail=detail)
            return
        self._ledger.confirm(*_COMMANDS, command, detail=_shown(answer.fields))
        self._note(answer)
        if command == "han-devices" and "mirrored-registers" in self._console.commands:
            gas = self._gas_meter(answer)
            if gas is not None:
                self._say("mirrored-registers", eui64=gas)

    def _gas_meter(self, answer: Answer) -> str | None:
        word = self._console.words.get("role", {}).get("gas-meter", "gas-meter")
        rows = (fields for _, fields in answer.lines if fields.get("role") == word)
        return next((fields["eui64"] for fields in rows), None)

    def _note(self, answer: Answer) -> None:
        for _, fields in answer.lines:
            for name, value in fields.items():
                self._seen.setdefault(name, set()).add(value)

    def _judge_words(self) -> None:
        for name, value, word in self._words():
            if word in self._seen.get(name, ()):
                self._ledger.confirm("console", "words", name, value, detail="it came up")

    def _words(self) -> Iterator[tuple[str, str, str]]:
        for name, words in self._console.words.items():
            for value, word in words.items():
                yield name, value, word

    def _judge_firmware(self, found: str) -> None:
        known = self._profile.firmware
        for number, written_for in enumerate(known):
            if found in known and written_for != found:
                other = f"another than this device's, which runs {found}"
                self._ledger.skip("firmware", number, detail=other)
            else:
                detail = f"the device runs {found}"
                self._ledger.settle(written_for == found, "firmware", number, detail=detail)


def _shown(fields: Mapping[str, str]) -> str:
    said = " ".join(f"{name.replace('_', '-')} {value}" for name, value in fields.items())
    return f"answered: {said}" if said else "answered"


def _said(error: PeerError) -> str:
    code = f" ({error.code})" if error.code else ""
    return f"{error.says}{code}{': ' + error.detail if error.detail else ''}"
