"""Emulated devices for anybody to open: hosted on ptys and TCP ports, their state kept."""
