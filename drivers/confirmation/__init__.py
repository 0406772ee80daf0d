"""Which lines of a device profile a device confirms."""
