"""Logs of other systems, CSV or JSON, read as traces through a map (docs/foreign-logs.md).

A map is a YAML file that says which column is what. What comes out of it is an ordinary trace: the
events are read by `bench.trace_reading`, and every complaint names the log's own line.
"""
