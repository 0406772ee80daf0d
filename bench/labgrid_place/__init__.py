"""A place of labgrid: acquired and released, its ports and its power (docs/labgrid.md).

All of it goes through the program `labgrid-client`, a process for each request: labgrid's own
libraries, its event loop and its fork of pyserial stay out of ours.
"""

from bench.labgrid_place.holding import held, locked
from bench.labgrid_place.place import Place
from bench.labgrid_place.relays import PlaceRelays, is_place_port
from bench.labgrid_place.resource import Resource, port_of

__all__ = ["Place", "PlaceRelays", "Resource", "held", "is_place_port", "locked", "port_of"]
