"""The treasury of `SCENARIO=crash`: BTC with dollars borrowed against it, whose LTV ladder climbs as the market falls.

It is the strategy of `k8s/examples/policies/btc-treasury.yaml`, and somebody who tells its two books every second:
books are as fresh as their teller.
"""

import asyncio
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgerow.adapters.synthetic.models import UNDERLYINGS
from hedgerow.cli.apply import apply_once
from hedgerow.cli.delete import delete
from hedgerow.cli.exits import ExitCode, Refused
from hedgerow.cli.gateway import GatewayAddress, GatewayUnreachable, put_book
from hedgerow.cli.servers import Servers
from hedgerow.domain.money import exact_decimal, plain
from hedgerow_local import processes
from hedgerow_local.errors import LocalError
from hedgerow_local.keys import ensure_keys
from hedgerow_local.layout import Layout
from hedgerow_local.state import StackState

NAMESPACE, STRATEGY = "default", "btc-treasury"
ACCOUNT = "hedge-03"
# A lap of the market is a minute, so the example's stay of half a minute would outlast its calm.
EXAMPLES_STAY, STAY = "minDwell: 30s", "minDwell: 3s"
CENT = Decimal("0.01")
HELD = Decimal(1)
HAIRCUT = Decimal("0.95")
# Normal before the fall; 30 % lower it is 0.907.
CALM_LTV = Decimal("0.635")
TELL_S = 1.0
APPLY_DEADLINE_S = 60.0


def hasty(example: str) -> str:
    """The example with shorter stays.

    Raises:
        LocalError: it has not the stay that it should have.
    """
    if example.count(EXAMPLES_STAY) != 1:
        raise LocalError(f"the example of {STRATEGY} should have {EXAMPLES_STAY!r} once")
    return example.replace(EXAMPLES_STAY, STAY)


class Treasury:
    """Applied at the beginning, told while it lives, taken away at the end: its loan is of this scenario only."""

    def __init__(self, layout: Layout, state: StackState) -> None:
        self._layout = layout
        self._servers = Servers(
            kafka=processes.kafka_bootstrap(state), ledger_dsn=processes.ledger_dsn(state)
        )
        self._url = processes.gateway_url(state)
        # Rises from session to session, and stays in one: what is told does not change.
        self._sequence = state.session_start_ns
        self._stopping = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="treasury")

    def begin(self) -> None:
        """Make the strategy live, and begin to tell its books.

        Raises:
            LocalError: it did not become live.
        """
        ensure_keys(self._layout.keys, ACCOUNT)
        self._teller.start()
        applied = asyncio.run(apply_once(self._servers, self._declared(), APPLY_DEADLINE_S))
        if applied is not ExitCode.OK:
            raise LocalError(
                f"the treasury of this scenario was not applied; {self._layout.treasury} is what was"
            )

    def end(self) -> None:
        """Tell nothing any more."""
        self._stopping.set()
        if self._teller.is_alive():
            self._teller.join()

    def withdraw(self) -> None:
        """Take the strategy away; what is left of its hedge stays on its paper account."""
        asyncio.run(delete(self._servers, "strategy", STRATEGY, NAMESPACE))

    def _declared(self) -> Path:
        self._layout.treasury.parent.mkdir(parents=True, exist_ok=True)
        example = self._layout.examples / "policies" / f"{STRATEGY}.yaml"
        self._layout.treasury.write_text(hasty(example.read_text()))
        return self._layout.treasury

    def _tell(self) -> None:
        key = (self._layout.gateway_keys / "trader" / "key").read_text().strip()
        gateway = GatewayAddress(self._url, key)
        while not self._stopping.wait(TELL_S):
            try:
                asyncio.run(self._tell_once(gateway))
            except (GatewayUnreachable, Refused) as problem:
                print(f"  the treasury's books were not taken: {problem}", flush=True)

    async def _tell_once(self, gateway: GatewayAddress) -> None:
        now = datetime.now(UTC).isoformat()
        for book, content in books().items():
            await put_book(gateway, book, self._sequence, now, content)


def books() -> dict[str, dict[str, Any]]:
    """What the treasury holds and what it owes, as the gateway takes it."""
    price = exact_decimal(UNDERLYINGS["BTC"].start)
    loan = {
        "id": "crash",
        "asset": "USDT",
        "principal": plain((HELD * price * HAIRCUT * CALM_LTV).quantize(CENT)),
        "interest": "0",
        "annual_rate": "0.06",
        "since": "2026-01-01T00:00:00Z",
    }
    return {"treasury": {"positions": {"BTC/USDT": plain(HELD)}}, "loans": {"loans": [loan]}}
