"""Whether a bench is ready: looked at before anything is run on it, and nothing is switched."""
