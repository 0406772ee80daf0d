"""A fault as a word of the command line: `reply-lost@electricity:request=rotate_key,nth=2`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.emulation import FaultSpec, Moment
from bench.errors import UsageError
from bench.spelling import did_you_mean
from bench.units import parse_duration


def _whole(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text[:9])
    raise ValueError("a whole number")


def _amount(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError:
        return _whole(text)


_WORDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "request": str,
    "nth": _whole,
    "after": parse_duration,
    "lasts": parse_duration,
    "times": _whole,
    "code": str,
    "by": _amount,
}


def parse_fault(text: str, targets: tuple[str, ...]) -> FaultSpec:
    """`NAME[@DEVICE][:KEY=VALUE,…]`; with one target it need not be named, and without a moment
    the fault strikes at once. `UsageError` with every complaint.
    """
    head, _, tail = text.partition(":")
    name, at, target = head.partition("@")
    problems = []
    if not at and len(targets) == 1:
        target = targets[0]
    if target not in targets:
        near = did_you_mean(target, targets) or f"; hosted: {', '.join(targets)}"
        problems.append(f"--fault {text}: expected NAME@DEVICE, got '{head}'{near}")
    given: dict[str, Any] = {}
    for word in filter(None, tail.split(",")):
        key, _, value = word.partition("=")
        if key not in _WORDS:
            near = did_you_mean(key, _WORDS) or f"; known: {', '.join(_WORDS)}"
            problems.append(f"--fault {text}: expected KEY=VALUE, got '{word}'{near}")
            continue
        try:
            given[key] = _WORDS[key](value)
        except ValueError as error:
            problems.append(f"--fault {text}: {key}: expected {error}, got '{value}'")
    if problems:
        raise UsageError(problems)
    after = given.get("after", None if "request" in given else 0)
    return FaultSpec(
        name,
        target,
        Moment(after=after, request=given.get("request"), nth=given.get("nth", 1)),
        lasts=given.get("lasts"),
        times=given.get("times", 1),
        code=given.get("code", ""),
        by=given.get("by"),
    )
