"""What the executor asks of a venue, whichever it is."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from hedgerow.execution.claim_facts import Funds
from hedgerow.execution.intents import Intent, Ticker, VenueExecution, VenueFill, VenueOrder


class VenueRejected(Exception):
    """The venue said no: the order does not exist there. `str()` is its reason."""


class NotSent(Exception):
    """The venue turned the order away before it looked at it (too many requests): it does not exist there, and
    nothing is wrong with it."""


class NoAnswer(Exception):
    """Whether the venue has the order is not known: no reply, a broken one, or an error on its side."""


class AlreadyThere(NoAnswer):
    """The venue has an order of this name: it is ours, and what became of it is to be looked up."""


class VenueUnavailable(ConnectionError):
    """A question (never an order) was not answered; ask again later."""


class StreamLost(ConnectionError):
    """The venue's private stream ended or cannot be opened."""


class VenueUnfit(Exception):
    """The venue answers, but must not be traded on: its host, the key, margin or position mode is not what it should
    be. The message says what to change."""


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """Signed contracts of one instrument, as the venue sees the account.

    `liquidation_price`: where the venue would close it; None when it names none, as for a well-covered cross margin.
    """

    instrument: str
    quantity: Decimal
    liquidation_price: Decimal | None = None


class OrderStream(Protocol):
    """News of one account's orders. It may stall silently: whoever listens asks the venue as well."""

    async def open(self) -> None:
        """Connect, sign in and subscribe.

        Raises:
            StreamLost
        """
        ...

    async def news(self) -> list[str]:
        """Wait for the next news; the client order ids that it is about.

        Raises:
            StreamLost
        """
        ...

    async def close(self) -> None: ...


class VenueClient(Protocol):
    """One account on one venue."""

    # How long after the claim an order that the venue does not show can still appear: the receive window, the
    # clocks' disagreement, and how late the venue may show what it has.
    absence_final_after_ns: int

    # By instrument, why its market at the venue is not as it is listed here, in words; known once it was started.
    # What is in it must not be traded: an order would be rounded, or refused.
    market_problems: Mapping[str, str]

    async def start(self) -> None:
        """Check hosts and account, load the listings and measure the venue's clock.

        Raises:
            VenueUnavailable: the venue cannot be reached; the message names it.
            VenueUnfit: it must not be traded on.
        """
        ...

    async def use_keys(self, api_key: str, secret: str) -> None:
        """Sign with these keys from the next request on, if they are of the same account; orders under way stay.

        Raises:
            VenueUnavailable, VenueUnfit: the old keys stay in use.
        """
        ...

    async def measure_clock(self) -> int:
        """Learn how far the venue's clock is ahead of ours; returns it in milliseconds.

        Raises:
            VenueUnavailable: no answer, or too late an answer to tell the time by; what was known before stays.
        """
        ...

    def order_wait_ns(self) -> int:
        """How long the venue wants no order from us; 0 when one may be sent now. Asked before an intent is claimed."""
        ...

    async def send(self, intent: Intent) -> str:
        """Send the intent's one order, once, signed with its claim time.

        Returns:
            The venue's order id.

        Raises:
            VenueRejected, NotSent, NoAnswer, AlreadyThere
        """
        ...

    async def cancel(self, intent: Intent) -> None:
        """Ask the venue to cancel the intent's order. What became of it is for `find_order` and `fills` to say: an
        order that is not open any more is no error, and may have been filled.

        Raises:
            VenueUnavailable: it did not answer; ask again, a cancel can be repeated.
        """
        ...

    async def cancel_all(self, instruments: list[str]) -> int:
        """Cancel every open order of the account in these instruments; how many there were.

        Raises:
            VenueUnavailable: for at least one instrument it did not answer; the others were asked all the same.
        """
        ...

    async def cancel_all_when_silent(self, seconds: int) -> None:
        """Have the venue cancel the account's open orders when we have been silent for so long.

        Raises:
            VenueUnavailable
        """
        ...

    def open_stream(self) -> OrderStream | None:
        """A private stream of the account, not open yet; None where the venue has none.

        Raises:
            VenueUnfit
        """
        ...

    async def find_order(self, intent: Intent) -> VenueOrder | None:
        """The order under the intent's client order id, from open orders, then history; None when neither has it.

        Raises:
            VenueUnavailable
            Contradiction: there are several.
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

    async def funds(self, instruments: list[str]) -> Funds:
        """What the account can put up for new orders, and its leverage in these instruments.

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

    async def executions(self, instrument: str, since_ns: int) -> list[VenueExecution]:
        """What the account executed in an instrument since then, at most some days ago.

        Raises:
            VenueUnavailable
        """
        ...

    async def close(self) -> None: ...
