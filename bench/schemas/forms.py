"""Which kinds of file have a schema, and what each is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.acceptance import AcceptedRules
from bench.campaign.mix import Mix
from bench.errors import UsageError
from bench.foreign_logs.log_map import LogMap
from bench.installation_file import InstallationFile
from bench.observing.map_file import ObservationMap
from bench.plugins import DRIVERS, load
from bench.schemas import KINDS
from bench.schemas.form_schema import form_schema
from bench.schemas.overlay_schema import overlay_schema
from bench.spelling import did_you_mean
from bench.station import Station
from bench.suite import Suite

Schema = dict[str, Any]

_FORMS: Final[Mapping[str, Callable[[], Schema]]] = {
    "station": lambda: form_schema("station", Station),
    "suite": lambda: form_schema("suite", Suite),
    "installation": lambda: form_schema("installation", InstallationFile),
    "profile": lambda: form_schema("profile", load(DRIVERS, "profile-form").Profile),
    "overlay": overlay_schema,
    "mix": lambda: form_schema("mix", Mix),
    "acceptance": lambda: form_schema("acceptance", AcceptedRules),
    "log-map": lambda: form_schema("log map", LogMap),
    "observation-map": lambda: form_schema("observation map", ObservationMap),
}


def schema(kind: str) -> Schema:
    """`UsageError`: no file of that kind."""
    make = _FORMS.get(kind)
    if make is None:
        near = did_you_mean(kind, KINDS) or f"; known: {', '.join(KINDS)}"
        raise UsageError(f"no kind of file is called '{kind}'{near}")
    return make()
