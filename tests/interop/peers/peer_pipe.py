"""What a peer script talks through: TCP (`host:port`) or a serial port (a path)."""

import os
import select
import socket
import tty


class Pipe:
    """Blocking, with a time-out in seconds. `receive` returns b"" when the other side is gone."""

    def __init__(self, place: str, timeout: float = 10) -> None:
        self.timeout = timeout
        if place.startswith("/"):
            self.descriptor = os.open(place, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.descriptor)
        else:
            host, _, port = place.rpartition(":")
            self.descriptor = socket.create_connection((host, int(port)), timeout).detach()
            os.set_blocking(self.descriptor, True)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.descriptor, data) :]

    def receive(self, most: int = 4096) -> bytes:
        if not select.select([self.descriptor], [], [], self.timeout)[0]:
            raise TimeoutError("no answer")
        return os.read(self.descriptor, most)

    def close(self) -> None:
        os.close(self.descriptor)
