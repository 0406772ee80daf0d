"""Device profiles: what one model of kit looks like on its port, as data."""
