"""GET, SET and ACTION as a server answers them, long values in blocks, over an object model.

One `Services` serves one association. It sees plain requests only: associations and security are
`drivers.codecs.dlms_server`'s. A long transfer is one at a time; any other request ends it.
"""

from __future__ import annotations

from typing import Protocol

from drivers.codecs.apdu import Request, UnsupportedApdu
from drivers.codecs.cosem_data import decode_data, encode_data
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.errors import RemoteProtocolError
from drivers.codecs.initiate import Conformance
from drivers.codecs.xdlms import (
    AccessFailure,
    AccessResult,
    ActionRequest,
    ActionRequestNext,
    ActionResponse,
    ActionResponseBlock,
    Attribute,
    GetRequest,
    GetRequestNext,
    GetRequestWithList,
    GetResponse,
    GetResponseBlock,
    Method,
    SetRequest,
    SetRequestBlock,
    SetRequestFirstBlock,
    SetResponse,
    SetResponseBlock,
    SetResponseLastBlock,
    encode_results,
)

_BLOCK_HEADER = 14
_NEEDED: dict[type, int] = {
    GetRequest: int(Conformance.GET),
    GetRequestNext: int(Conformance.GET | Conformance.BLOCK_GET),
    GetRequestWithList: int(Conformance.GET | Conformance.MULTIPLE_REFERENCES),
    SetRequest: int(Conformance.SET),
    SetRequestFirstBlock: int(Conformance.SET | Conformance.BLOCK_SET),
    SetRequestBlock: int(Conformance.SET | Conformance.BLOCK_SET),
    ActionRequest: int(Conformance.ACTION),
    ActionRequestNext: int(Conformance.ACTION | Conformance.BLOCK_ACTION),
}
_BLOCK_GET = int(Conformance.BLOCK_GET)
_BLOCK_ACTION = int(Conformance.BLOCK_ACTION)


class DataAccessError(Exception):
    """The model's refusal; becomes data-access-result or action-result."""

    def __init__(self, code: int) -> None:
        super().__init__(str(AccessFailure(code)))
        self.code = code


class ObjectModel(Protocol):
    """The device's objects. Any call may raise `DataAccessError`; `client` is its address."""

    def get(self, attribute: Attribute, client: int) -> CosemData: ...

    def set(self, attribute: Attribute, value: CosemData, client: int) -> None: ...

    def action(self, method: Method, parameters: CosemData, client: int) -> CosemData: ...


class Services:
    """What one association may ask and what is under way in it.

    `send_limit` is the longest plain APDU the client takes, `longest_value` bounds a SET in blocks.
    """

    def __init__(
        self,
        model: ObjectModel,
        client: int,
        conformance: Conformance,
        send_limit: int,
        longest_value: int,
    ) -> None:
        self._model = model
        self._client = client
        self._conformance = int(conformance)
        self._send_limit = send_limit
        self._longest_value = longest_value
        self._end_transfer()

    def _end_transfer(self) -> None:
        self._outgoing: bytes | None = None
        self._outgoing_is_get = False
        self._incoming: bytearray | None = None
        self._incoming_target: Attribute | None = None
        self._block = 0

    def answer(self, request: Request) -> bytes:
        """The plain answer. UnsupportedApdu if the service was not negotiated or is no request."""
        needed = _NEEDED.get(type(request))
        if needed is None or self._conformance & needed != needed:
            raise UnsupportedApdu(f"{type(request).__name__} was not negotiated")
        if isinstance(request, GetRequestNext):
            return self._next_get_block(request)
        if isinstance(request, ActionRequestNext):
            return self._next_action_block(request)
        if isinstance(request, SetRequestBlock):
            return self._set_block(request)
        self._end_transfer()
        if isinstance(request, GetRequest):
            return self._get(request)
        if isinstance(request, GetRequestWithList):
            return self._get_list(request)
        if isinstance(request, SetRequest):
            code = self._written(request.attribute, request.value)
            return SetResponse(request.invoke, code).to_bytes()
        if isinstance(request, SetRequestFirstBlock):
            return self._first_set_block(request)
        return self._action(request)

    # -- GET -------------------------------------------------------------------------------------

    def _get(self, request: GetRequest) -> bytes:
        try:
            value = self._model.get(request.attribute, self._client)
        except DataAccessError as refusal:
            return GetResponse(request.invoke, AccessFailure(refusal.code)).to_bytes()
        raw = encode_data(value)
        whole = b"\xc4\x01%c\x00%b" % (request.invoke, raw)
        return whole if len(whole) <= self._send_limit else self._first_get_block(request, raw)

    def _get_list(self, request: GetRequestWithList) -> bytes:
        results: list[CosemData | AccessFailure] = []
        for attribute in request.attributes:
            try:
                results.append(self._model.get(attribute, self._client))
            except DataAccessError as refusal:
                results.append(AccessFailure(refusal.code))
        raw = encode_results(tuple(results))
        whole = b"\xc4\x03%c%b" % (request.invoke, raw)
        return whole if len(whole) <= self._send_limit else self._first_get_block(request, raw)

    def _first_get_block(self, request: GetRequest | GetRequestWithList, raw: bytes) -> bytes:
        if not self._conformance & _BLOCK_GET:
            failure = AccessFailure(AccessResult.OTHER_REASON)
            return GetResponse(request.invoke, failure).to_bytes()
        self._outgoing, self._outgoing_is_get = raw, True
        return self._get_block(request.invoke)

    def _next_get_block(self, request: GetRequestNext) -> bytes:
        fault = self._next_fault(request.block, is_get=True)
        if fault is not None:
            self._end_transfer()
            return GetResponseBlock(request.invoke, True, request.block, failure=fault).to_bytes()
        return self._get_block(request.invoke)

    def _get_block(self, invoke: int) -> bytes:
        raw, number, last = self._taken_block()
        return GetResponseBlock(invoke, last, number, raw).to_bytes()

    def _next_fault(self, block: int, *, is_get: bool) -> int | None:
        if self._outgoing is None or self._outgoing_is_get is not is_get:
            return AccessResult.NO_LONG_TRANSFER_IN_PROGRESS
        if block != self._block:
            return AccessResult.DATA_BLOCK_NUMBER_INVALID
        return None

    def _taken_block(self) -> tuple[bytes, int, bool]:
        """The next block of the long answer, its number and whether it is the last."""
        outgoing = self._outgoing or b""
        size = self._send_limit - _BLOCK_HEADER
        raw, rest = outgoing[:size], outgoing[size:]
        number = self._block + 1
        if rest:
            self._outgoing, self._block = rest, number
        else:
            self._end_transfer()
        return raw, number, not rest

    # -- SET -------------------------------------------------------------------------------------

    def _written(self, attribute: Attribute, value: CosemData) -> int:
        try:
            self._model.set(attribute, value, self._client)
        except DataAccessError as refusal:
            return refusal.code
        return AccessResult.SUCCESS

    def _first_set_block(self, request: SetRequestFirstBlock) -> bytes:
        self._incoming, self._incoming_target = bytearray(), request.attribute
        block = SetRequestBlock(request.invoke, request.last, request.block, request.raw)
        return self._set_block(block)

    def _set_block(self, request: SetRequestBlock) -> bytes:
        incoming, target = self._incoming, self._incoming_target
        code: int
        if incoming is None or target is None:
            code = AccessResult.NO_LONG_SET_IN_PROGRESS
        elif request.block != self._block + 1:
            code = AccessResult.DATA_BLOCK_NUMBER_INVALID
        elif len(incoming) + len(request.raw) > self._longest_value:
            code = AccessResult.LONG_SET_ABORTED
        else:
            incoming += request.raw
            if not request.last:
                self._block = request.block
                return SetResponseBlock(request.invoke, request.block).to_bytes()
            try:
                code = self._written(target, decode_data(bytes(incoming)))
            except RemoteProtocolError:
                code = AccessResult.TYPE_UNMATCHED
        self._end_transfer()
        return SetResponseLastBlock(request.invoke, code, request.block).to_bytes()

    # -- ACTION ----------------------------------------------------------------------------------

    def _action(self, request: ActionRequest) -> bytes:
        try:
            value = self._model.action(request.method, request.parameters, self._client)
        except DataAccessError as refusal:
            return ActionResponse(request.invoke, refusal.code).to_bytes()
        whole = ActionResponse(request.invoke, AccessResult.SUCCESS, value).to_bytes()
        if len(whole) <= self._send_limit:
            return whole
        if not self._conformance & _BLOCK_ACTION:
            return ActionResponse(request.invoke, AccessResult.OTHER_REASON).to_bytes()
        # The blocks carry Action-Response-With-Optional-Data: what follows the invoke-id.
        self._outgoing = whole[3:]
        return self._action_block(request.invoke)

    def _next_action_block(self, request: ActionRequestNext) -> bytes:
        fault = self._next_fault(request.block, is_get=False)
        if fault is not None:
            self._end_transfer()
            return ActionResponse(request.invoke, fault).to_bytes()
        return self._action_block(request.invoke)

    def _action_block(self, invoke: int) -> bytes:
        raw, number, last = self._taken_block()
        return ActionResponseBlock(invoke, last, number, raw).to_bytes()
