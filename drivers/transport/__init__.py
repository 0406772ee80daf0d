"""How bytes get to kit and back: one byte pipe, whatever is behind it."""
