"""YAML files as plain Python, with a position for every node: every complaint says file:line:col.

An unquoted scalar means what it looks like, or it is refused (`bench.yaml_scalar`). Keys are text.
Anchors, aliases, tags, merge keys and further documents are refused, so that a file cannot refer
to itself, grow when read, or name Python objects.

Whatever is wrong with a file is the user's to mend: `UsageError`, with every problem found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

from bench.errors import Problem, UsageError
from bench.spelling import did_you_mean
from bench.yaml_scalar import Treacherous, plain_value, quoted, shortened

if TYPE_CHECKING:
    import pydantic

PathTuple = tuple[str | int, ...]
"""A place in a document: keys and list indices from the root."""

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_DEPTH: Final = 50
MAX_NODES: Final = 100_000
MAX_PROBLEMS: Final = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


class Complaint(ValueError):
    """Raised in a model's validator: a whole sentence, reported as it stands.

    `at` leads from where the validator stands to the place meant. A plain ValueError about a
    scalar says what was expected instead ("a duration: …") and is reported with what was found.
    """

    def __init__(self, message: str, *at: str | int) -> None:
        self.at: PathTuple = at
        super().__init__(message)


@dataclass(slots=True)
class Document:
    """A file as read. `data` holds dicts, lists, str, int, float, bool and None only."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    _places: dict[PathTuple, tuple[int, int]] = field(default_factory=dict)
    _key_places: dict[PathTuple, tuple[int, int]] = field(default_factory=dict)
    _literals: dict[PathTuple, str] = field(default_factory=dict)

    def position(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column, from 1, of the value at `path`, or of the nearest node that holds it."""
        return self._nearest(self._places, tuple(path))

    def key_position(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the key whose value stands at `path`; for a list item, of the item."""
        return self._nearest(self._key_places, tuple(path))

    def _nearest(
        self, places: dict[PathTuple, tuple[int, int]], path: PathTuple
    ) -> tuple[int, int]:
        found = places.get(path)
        while found is None and path:
            found = self._places.get(path)
            path = path[:-1]
        return found or self._places.get((), (1, 1))

    def problem(self, path: Sequence[str | int], message: str, *, at_key: bool = False) -> Problem:
        """A complaint about the value at `path`, or about its key."""
        line, column = self.key_position(path) if at_key else self.position(path)
        return Problem(self.name, message, line, column, path_text(path))

    def got(self, path: Sequence[str | int]) -> str:
        """What stands at `path`, for the end of a sentence "expected …, got …"."""
        value: Any = self.data
        for step in path:
            value = value[step]
        return describe(value, self._literals.get(tuple(path)))

    def wants_quotes(self, path: Sequence[str | int]) -> str:
        """`'; quote it: "5.0"'` where an unquoted number or word stands, else an empty string."""
        literal = self._literals.get(tuple(path))
        return f'; quote it: "{literal}"' if literal else ""


def describe(value: Any, literal: str | None = None) -> str:
    """A value in a complaint, short."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return literal or "nothing"
    if isinstance(value, str):
        return quoted(value) if value else "an empty text"
    return literal if literal is not None else str(value)


def listed(problems: list[Problem]) -> list[Problem]:
    """The problems as they are shown: of very many the first, and how many more."""
    if len(problems) <= MAX_PROBLEMS:
        return problems
    rest = Problem(problems[0].file, f"and {len(problems) - MAX_PROBLEMS} more complaints")
    return [*problems[:MAX_PROBLEMS], rest]


def path_text(path: Sequence[str | int]) -> str:
    """`scenarios[2].expect.outcome`; keys that are no plain names in brackets and quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{quoted(step)}]"
    return text


_watch: ContextVar[Callable[[Path, bytes], None] | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Callable[[Path, bytes], None]) -> Iterator[None]:
    """Shows every file that is read meanwhile, by this thread, with its very bytes."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def load(path: Path) -> Document:
    """Reads a file. Raises UsageError: missing, unreadable, or not YAML as this module wants it."""
    name = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(Problem(name, "no such file" + _near_file(path))) from None
    except IsADirectoryError:
        raise UsageError(Problem(name, "expected a YAML file, got a folder")) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(Problem(name, f"cannot be read: {reason}")) from None
    if len(raw) > MAX_BYTES:
        raise UsageError(Problem(name, f"expected at most {MAX_BYTES // 1024} KiB of YAML"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = _line_and_column(before)
        raise UsageError(
            Problem(name, f"expected UTF-8 text, got byte 0x{raw[error.start]:02x}", line, column)
        ) from None
    watch = _watch.get()
    if watch is not None:
        watch(path, raw)
    return loads(text, name)


def loads(text: str, name: str) -> Document:
    """Reads text; `name` stands for the file in complaints. Raises UsageError."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise UsageError(Problem(name, f"expected at most {MAX_BYTES // 1024} KiB of YAML"))
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line, column = _line_and_column(text[: unprintable.start()])
        message = f"expected text, got the control character U+{ord(unprintable[0]):04X}"
        raise UsageError(Problem(name, message, line, column))
    return _Reader(name).read(text)


_Model = TypeVar("_Model", bound="pydantic.BaseModel")


def parse(document: Document, model: type[_Model]) -> _Model:
    """The document as a pydantic model, strictly; all that is wrong at once, as UsageError."""
    from bench.yaml_model import validate  # pydantic is slow to import

    return validate(document, model)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet. `skip`: its content has no place to go."""

    node: dict[str, Any] | list[Any]
    path: PathTuple
    key: str | None = None  # mapping: the key just read, whose value comes next
    awaits_key: bool = True
    skip: bool = False


class _Reader:
    """Builds the document from the parser's events: iterative, so that depth cannot hurt."""

    def __init__(self, name: str) -> None:
        self._document = Document(name)
        self._problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._root: Any = None
        self._nodes = 0

    def read(self, text: str) -> Document:
        documents = 0
        try:
            for event in self._events(text):
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents == 2:
                        self._complain(
                            event.start_mark, "expected one document, got a second '---'"
                        )
                        break
                    continue
                self._take(event)
        except _TooMuch as stop:
            self._complain(stop.mark, str(stop))
        if not self._problems:
            self._check_root(documents)
        if self._problems:
            raise UsageError(listed(self._problems))
        return self._document

    def _events(self, text: str) -> Iterator[Any]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._complain(mark, _syntax_message(error, text, mark))
        except yaml.YAMLError as error:
            self._complain(None, f"not YAML: {_one_line(str(error))}")

    def _check_root(self, documents: int) -> None:
        if isinstance(self._root, dict):
            self._document.data = self._root
            return
        if documents == 0 or self._root is None:
            message = "expected a mapping (lines such as `key: value`), got an empty file"
        else:
            message = f"expected a mapping (lines such as `key: value`), got {describe(self._root)}"
        line, column = self._document.position(())
        self._problems.append(Problem(self._document.name, message, line, column))

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.NodeEvent):
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise _TooMuch(event.start_mark, f"expected at most {MAX_NODES} values in a file")
            if isinstance(event, yaml.AliasEvent):
                self._complain(
                    event.start_mark,
                    f"'*{event.anchor}': aliases are not read here; write the value out",
                )
                self._place(None, event, key_text=None)
                return
            if event.anchor is not None:
                self._complain(
                    event.start_mark,
                    f"'&{event.anchor}': anchors are not read here; "
                    "write the value out where it is wanted",
                )
            tag = getattr(event, "tag", None)
            if tag is not None:
                self._complain(event.start_mark, f"'{tag}': tags are not read here; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self._stack) >= MAX_DEPTH:
                raise _TooMuch(event.start_mark, f"expected at most {MAX_DEPTH} levels of nesting")
            node: dict[str, Any] | list[Any] = (
                {} if isinstance(event, yaml.MappingStartEvent) else []
            )
            path, skip = self._place(node, event, key_text=None)
            self._stack.append(_Open(node, path, skip=skip))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._stack.pop()

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        plain = not event.style
        parent = self._stack[-1] if self._stack else None
        if parent is not None and isinstance(parent.node, dict) and parent.awaits_key:
            self._place(text, event, key_text=self._key(event, text, plain))
            return
        value: Any = text
        if plain and event.tag is None:
            value = self._typed(event, text)
        elif "\0" in text or _has_surrogate(text):
            self._complain(event.start_mark, "expected text, got an escaped U+0000 or surrogate")
        path, skip = self._place(value, event, key_text=None)
        if plain and not skip and not isinstance(value, str):
            self._document._literals[path] = text

    def _key(self, event: Any, text: str, plain: bool) -> str:
        if plain and text == "<<":
            self._complain(
                event.start_mark, "'<<': merge keys are not read here; write the values out"
            )
        elif plain and not text:
            self._complain(event.start_mark, "expected a key before ':'")
        elif plain:
            if not isinstance(self._typed(event, text), str):
                self._complain(
                    event.start_mark, f'expected a key that is text, got {text}; quote it: "{text}"'
                )
        elif "\0" in text or _has_surrogate(text):
            self._complain(event.start_mark, "expected a key, got an escaped U+0000 or surrogate")
        return text

    def _typed(self, event: Any, text: str) -> Any:
        """A plain scalar's value; its text, with a complaint, where it is treacherous."""
        try:
            return plain_value(text)
        except Treacherous as error:
            self._complain(event.start_mark, str(error))
            return text

    def _place(self, value: Any, event: Any, key_text: str | None) -> tuple[PathTuple, bool]:
        """Puts a node where it belongs; returns its path, and whether it had no place to go."""
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if not self._stack:
            self._root = value
            self._document._places[()] = place
            return (), False
        parent = self._stack[-1]
        if isinstance(parent.node, list):
            path = (*parent.path, len(parent.node))
            parent.node.append(value)
        elif parent.awaits_key:
            parent.awaits_key = False
            parent.key = key_text
            if key_text is None:
                kind = "list" if isinstance(value, list) else "mapping"
                self._complain(event.start_mark, f"expected a key that is text, got a {kind}")
                return parent.path, True
            path = (*parent.path, key_text)
            if key_text in parent.node:
                first = self._document._key_places.get(path, place)[0]
                self._complain(
                    event.start_mark,
                    f"{quoted(key_text)} stands here twice, first on line {first}",
                )
                parent.key = None
            elif not parent.skip:
                self._document._key_places[path] = place
            return path, parent.skip
        else:
            parent.awaits_key = True
            if parent.key is None:
                return parent.path, True
            path = (*parent.path, parent.key)
            parent.node[parent.key] = value
        if not parent.skip:
            self._document._places[path] = place
        return path, parent.skip

    def _complain(self, mark: Any, message: str) -> None:
        path: PathTuple = ()
        if self._stack:
            parent = self._stack[-1]
            path = parent.path
            if isinstance(parent.node, list):
                path = (*path, len(parent.node))
            elif not parent.awaits_key and parent.key is not None:
                path = (*path, parent.key)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        problem = Problem(self._document.name, message, line, column, path_text(path))
        self._problems.append(problem)


class _TooMuch(Exception):
    """Reading stops here: what follows would only cost time."""

    def __init__(self, mark: Any, message: str) -> None:
        self.mark = mark
        super().__init__(message)


def _syntax_message(error: yaml.MarkedYAMLError, text: str, mark: Any) -> str:
    said = _one_line(", ".join(part for part in (error.context, error.problem) if part))
    advice = ""
    if mark is not None:
        lines = text.split("\n", mark.line + 1)
        line = lines[mark.line] if mark.line < len(lines) else ""
        if line[mark.column : mark.column + 1] == "\t" or "\t" in line[: mark.column + 1]:
            advice = "; a tab stands here: indent with spaces"
        elif "mapping values are not allowed" in said:
            advice = "; quote text that holds ': ', or mend the indentation"
        elif line[mark.column : mark.column + 1] in ("@", "`", "%"):
            advice = "; quote text that begins with " + line[mark.column]
        elif "found unexpected ':'" in said:
            advice = '; quote text that holds a colon, such as "emu:"'
        elif error.context_mark is not None and "flow" in said:
            advice = f"; is the bracket closed that opens on line {error.context_mark.line + 1}?"
    return f"not YAML: {said}{advice}"


def _line_and_column(before: str) -> tuple[int, int]:
    """The position just after `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _near_file(path: Path) -> str:
    try:
        return did_you_mean(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        return ""


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _one_line(text: str) -> str:
    return shortened(" ".join(text.split())) if len(text) > 300 else " ".join(text.split())
