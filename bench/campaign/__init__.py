"""Campaigns: a population of emulated installations, each migrated and judged, and the counts.

Every installation is drawn from the seed and its own number alone (`drawing`), played by the same
process and judged by the same checker as any other (`playing`, `shard`), and counted in whole
numbers that add up in any order (`tally`). So neither shards nor workers nor a stop in the middle
show in the result.
"""
