"""What the executor asks of a venue, whichever it is."""

from decimal import Decimal
from typing import Protocol

import msgspec

from hedgerow.execution.intents import Intent, Ticker, VenueFill, VenueOrder


class VenueRejected(Exception):
    """The venue said no: the order does not exist there. `str()` is its reason."""


class NoAnswer(Exception):
    """Whether the venue has the order is not known: no reply, a broken one, or an error on its side."""


class VenueUnavailable(ConnectionError):
    """A question (never an order) was not answered; ask again later."""


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """Signed contracts of one instrument, as the venue sees the account.

    `liquidation_price`: where the venue would close it; None when it names none, as for a well-covered cross margin.
    """

    instrument: str
    quantity: Decimal
    liquidation_price: Decimal | None = None


class VenueClient(Protocol):
    """One account on one venue."""

    # How long after the claim an order that the venue does not show can still appear: the receive window, the
    # clocks' disagreement, and how late the venue may show what it has.
    absence_final_after_ns: int

    async def start(self) -> None:
        """Load the listings and measure the venue's clock.

        Raises:
            VenueUnavailable: the venue cannot be reached; the message names it.
        """
        ...

    async def measure_clock(self) -> None:
        """Learn anew how far the venue's clock is ahead of ours; what was known before stays when it cannot be told.

        Raises:
            VenueUnavailable: no answer, or too late an answer to tell the time by.
        """
        ...

    async def send(self, intent: Intent) -> str:
        """Send the intent's one order, once, signed with its claim time.

        Returns:
            The venue's order id.

        Raises:
            VenueRejected, NoAnswer
        """
        ...

    async def find_order(self, intent: Intent) -> VenueOrder | None:
        """The order under the intent's client order id, from open orders, then history; None when neither has it.

        Raises:
            VenueUnavailable
        """
        ...

    async def fills(self, intent: Intent) -> list[VenueFill]:
        """Every execution of the intent's order that the venue shows.

        Raises:
            VenueUnavailable
        """
        ...

    async def ticker(self, instrument: str) -> Ticker:
        """The touch, stamped with the local time of the request.

        Raises:
            VenueUnavailable
        """
        ...

    async def positions(self, instruments: list[str]) -> list[VenuePosition]:
        """Signed positions, flat ones left out.

        Raises:
            VenueUnavailable
        """
        ...

    async def open_client_order_ids(self, instruments: list[str]) -> list[str]:
        """Client order ids of all open orders (the venue's own id where somebody sent none).

        Raises:
            VenueUnavailable
        """
        ...

    async def close(self) -> None: ...
