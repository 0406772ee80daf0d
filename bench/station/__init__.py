"""A station: what is specific to one bench. Its file's form, and its reading."""

from bench.station.form import DIRECT, ClockSource, Station, StationDevice
from bench.station.port import Reach
from bench.station.reading import read_station

__all__ = ["DIRECT", "ClockSource", "Reach", "Station", "StationDevice", "read_station"]
