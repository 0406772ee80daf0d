"""A run while it goes on: what it shows in the terminal, and what it writes for who looks on."""
