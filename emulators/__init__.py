"""Emulated kit and parties: models of devices, faults in them, and the parties of a migration.

Nothing here is scripted in the process: a device behaves, a fault changes how it behaves, and
whoever asks finds out through the interfaces of `bench.devices` and `bench.parties`.
"""
