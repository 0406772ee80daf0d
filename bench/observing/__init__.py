"""Topology B: what a foreign S1SP does to emulated devices, as a trace (docs/emulate.md)."""
