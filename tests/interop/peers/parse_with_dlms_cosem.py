"""Read what a client sends with the parsers of the dlms-cosem package; print what they saw as JSON.

Runs in its own interpreter, which has the package. Standard input: JSON, name to APDU in hex.
"""

import json
import sys

from dlms_cosem import security
from dlms_cosem.protocol import acse, xdlms

KEY, AUTHENTICATION_KEY = bytes(range(16)), bytes(range(0xD0, 0xE0))


def opened(apdu: xdlms.GeneralGlobalCipher) -> bytes:
    return security.decrypt(
        security_control=apdu.security_control,
        system_title=apdu.system_title,
        invocation_counter=apdu.invocation_counter,
        key=KEY,
        cipher_text=apdu.ciphered_text,
        auth_key=AUTHENTICATION_KEY,
    )


def request(octets: bytes) -> list[object]:
    for parser in (xdlms.GetRequestFactory, xdlms.SetRequestFactory, xdlms.ActionRequestFactory):
        try:
            apdu = parser.from_bytes(octets)
        except Exception:  # the package raises many kinds
            continue
        target = getattr(apdu, "cosem_attribute", None) or apdu.cosem_method
        data = bytes(getattr(apdu, "data", None) or b"")
        return [type(apdu).__name__, target.instance.to_bytes().hex(), data.hex()]
    raise ValueError(octets.hex())


def saw(name: str, octets: bytes) -> list[object]:
    if name.startswith("aarq"):
        aarq = acse.ApplicationAssociationRequest.from_bytes(octets)
        value = aarq.authentication_value
        content = aarq.user_information.content
        return [
            type(content).__name__,
            aarq.authentication.name if aarq.authentication else None,
            bytes(value).hex() if value else None,
            aarq.ciphered,
            getattr(content, "client_max_receive_pdu_size", None),
        ]
    if name == "rlrq":
        return [acse.ReleaseRequest.from_bytes(octets).reason.name]
    if name == "ciphered":
        return request(opened(xdlms.GeneralGlobalCipher.from_bytes(octets)))
    return request(octets)


def main() -> None:
    sent = json.load(sys.stdin)
    print(json.dumps({name: saw(name, bytes.fromhex(text)) for name, text in sent.items()}))


if __name__ == "__main__":
    main()
