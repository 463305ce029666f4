"""Who may have faults injected, and how: `/faults` for the administrator, a header for a key that is allowed to."""

from collections.abc import Mapping

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from hedgerow_exchange.faults import NOTHING_FIRED, FaultKind, FaultRule, Faults, Fired
from hedgerow_exchange.keys import Key, key_that_signed
from hedgerow_exchange.refusals import Reason, Refused

HEADER = "X-Hedgerow-Faults"

_log = structlog.get_logger(__name__)


class FaultDesk:
    """Takes rules and says which of them fire. Does neither unless the exchange was started with faults allowed."""

    def __init__(self, keys: Mapping[str, Key], allowed: bool, metrics: CollectorRegistry) -> None:
        self.faults = Faults()
        self._keys = keys
        self._allowed = allowed
        self._decode = msgspec.json.Decoder(list[FaultRule]).decode
        self._injected = Counter(
            "hedgerow_exchange_faults",
            "Faults injected on purpose, by kind",
            ["kind"],
            registry=metrics,
        )

    def on_request(self, path: str, headers: Mapping[str, str], payload: str) -> Fired:
        """What fires on a request.

        Args:
            payload: what the request's signature covers.

        Raises:
            Refused: it asks for faults in its header and may not.
        """
        asked_for = headers.get(HEADER)
        if not self._allowed and asked_for is None:
            return NOTHING_FIRED
        rules = [] if asked_for is None else self._asked_for(asked_for, headers, payload)
        key = self._keys.get(headers.get("X-BAPI-API-KEY", ""))
        fired = self.faults.on_request(path, "" if key is None else key.account, rules)
        for rule in fired.rules:
            self._injected.labels(rule.kind.value).inc()
        return fired

    def on_stream(self, path: str, account: str) -> bool:
        """Whether a message of a stream to this account is lost."""
        if not self._allowed:
            return False
        lost = self.faults.on_message(path, account)
        if lost:
            self._injected.labels(FaultKind.STALL_STREAM.value).inc()
        return lost

    def _asked_for(self, header: str, headers: Mapping[str, str], payload: str) -> list[FaultRule]:
        if not self._allowed:
            raise Refused(
                Reason.PERMISSION_DENIED, f"{HEADER}: faults are off; HEDGEROW_EXCHANGE_FAULTS=On allows them"
            )
        key = key_that_signed(self._keys, headers, payload)
        if not key.may_inject_faults:
            raise Refused(
                Reason.PERMISSION_DENIED,
                f"{HEADER}: the key of {key.account} may not; the file mayInjectFaults beside it allows it to",
            )
        try:
            return self._decode(header)
        except msgspec.DecodeError as error:
            raise Refused(
                Reason.BAD_PARAMETER, f"{HEADER} should be a JSON list of fault rules: {error}"
            ) from None

    async def administer(self, request: web.BaseRequest) -> web.StreamResponse:
        """`/faults`: POST adds a list of rules, GET tells of them, DELETE forgets them."""
        if not self._allowed:
            return web.Response(status=403, text="faults are off; HEDGEROW_EXCHANGE_FAULTS=On allows them\n")
        if request.method == "POST":
            try:
                rules = self._decode(await request.read())
            except msgspec.DecodeError as error:
                return web.Response(status=400, text=f"a JSON list of fault rules is expected: {error}\n")
            self.faults.add(rules)
            _log.warning("faults added", rules=[msgspec.to_builtins(rule) for rule in rules])
        elif request.method == "DELETE":
            self.faults.clear()
        elif request.method != "GET":
            return web.Response(status=405, text="/faults takes GET, POST and DELETE\n")
        return web.Response(body=msgspec.json.encode(self.faults.states()), content_type="application/json")
