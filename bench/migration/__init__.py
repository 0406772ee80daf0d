"""The migration of one installation as the processing S1SP works it, section by section.

`sections` holds the order for each group as a table; `passage` runs it and recovers from a
failure; `process` resubmits. What a section does stands in the file named after its subject.
Everything here touches the world through `bench.effects.Effects` only, takes limits from the
strategy and the bench's own choices from `defaults`.
"""
