"""Read a meter out over its optical protocol with the iec62056-21 package; print JSON.

Runs in its own interpreter, which has the package. Arguments: host port device-address.
"""

import json
import sys
from importlib.metadata import version

from iec62056_21.client import Iec6205621Client


def main() -> None:
    host, port, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    client = Iec6205621Client.with_tcp_transport(address=(host, port), device_address=address)
    client.connect()
    readout = client.standard_readout()
    client.disconnect()
    sets = {entry.address: [entry.value, entry.unit] for entry in readout.data}
    print(
        json.dumps(
            {
                "version": f"iec62056-21 {version('iec62056-21')}",
                "manufacturer": client.manufacturer_id,
                "identification": client.identification,
                "sets": sets,
            }
        )
    )


if __name__ == "__main__":
    main()
