"""What a run did, kept so that it can be taken up again (docs/journal.md)."""
