"""Device models on the wire: servers on the drivers' codecs, and the hosts they run in."""
