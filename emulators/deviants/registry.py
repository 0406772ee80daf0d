"""What a deviant is: an emulated device that misbehaves in one way, by its own doing.

A deviant is a subclass of the model of one role. Its name is the class's in hyphens, its docstring
the sentence that users read, and it says what a bench that looks at it must find (`Invariant`).
Unlike a fault it is never armed and never ends: it is how the device is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Final, TypeVar

from bench.devices import Role
from bench.invariant import Invariant
from emulators.models.device import EmulatedDevice

D = TypeVar("D", bound=type[EmulatedDevice])


@dataclass(frozen=True, slots=True)
class Deviant:
    """`breaks`: what a bench finds of it. `model` is made with the arguments of the role's own."""

    name: str
    role: Role
    breaks: Invariant
    description: str
    model: type[EmulatedDevice]


DEVIANTS: Final[dict[str, Deviant]] = {}
"""Every deviant by its name, in the order of the files that define them."""


def deviant(role: Role, breaks: Invariant) -> Callable[[D], D]:
    """Registers a model of that role."""

    def register(model: D) -> D:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()
        description = " ".join(cleandoc(model.__doc__ or "").split())
        assert name not in DEVIANTS, f"two deviants are called {name}"
        DEVIANTS[name] = Deviant(name, role, breaks, description, model)
        return model

    return register
