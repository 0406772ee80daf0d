"""Deviant S1SPs: processing S1SPs that break one rule, for showing that a checker finds it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bench.deviant_s1sps import acting, form, recording, retrying
from bench.deviant_s1sps.form import S1sp

DEVIANT_S1SPS: Final[Mapping[str, form.DeviantS1sp]] = MappingProxyType(form.FOUND)
"""Every one by its name."""

__all__ = ["DEVIANT_S1SPS", "S1sp", "acting", "recording", "retrying", "s1sp_called"]


def s1sp_called(name: str) -> S1sp:
    """A fresh one; without a name a good one."""
    return DEVIANT_S1SPS[name].make() if name else S1sp()
