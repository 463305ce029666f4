"""Orders and trades as ccxt tells them, in our words and our contracts."""

from decimal import Decimal
from typing import Any

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.money import exact_decimal
from hedgerow.execution.intents import VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState

# What Bybit writes where there is no reason to give.
_NO_REASON = frozenset({"None", "", "EC_NoError"})
_MS_NS = 1_000_000


def venue_order(order: dict[str, Any], size: Decimal) -> VenueOrder:
    """
    Args:
        size: how many of ccxt's contracts one of ours is.

    Raises:
        VenueUnavailable: its status is none that ccxt documents.
    """
    filled = exact_decimal(order["filled"] or 0.0) / size
    reason = str(order["info"].get("rejectReason"))
    return VenueOrder(
        client_order_id=str(order["clientOrderId"]),
        venue_order_id=str(order["id"]),
        state=_state(str(order["status"]), filled, exact_decimal(order["amount"]) / size),
        filled_quantity=filled,
        reason="" if reason in _NO_REASON else reason,
    )


def venue_fill(trade: dict[str, Any], size: Decimal) -> VenueFill:
    """
    Args:
        size: how many of ccxt's contracts one of ours is.
    """
    return VenueFill(
        execution_id=str(trade["id"]),
        quantity=exact_decimal(trade["amount"]) / size,
        price=exact_decimal(trade["price"]),
        fee=_fee_in_quote(trade),
        time_ns=int(trade["timestamp"]) * _MS_NS,
    )


def _fee_in_quote(trade: dict[str, Any]) -> Decimal:
    """A purchase of coins is charged in the coin."""
    fee = exact_decimal(trade["fee"]["cost"])
    in_base = trade["fee"]["currency"] == trade["symbol"].partition("/")[0]
    return fee * exact_decimal(trade["price"]) if in_base else fee


def _state(status: str, filled: Decimal, amount: Decimal) -> IntentState:
    """ccxt's unified status as ours. ccxt calls an IOC order that was filled in part `closed`.

    Raises:
        VenueUnavailable: a status that ccxt does not document.
    """
    if status == "open":
        return IntentState.PARTIALLY_FILLED if filled else IntentState.ACCEPTED
    if status in ("closed", "canceled"):
        return IntentState.FILLED if filled == amount else IntentState.CANCELLED
    if status == "expired":
        return IntentState.EXPIRED
    if status == "rejected":
        return IntentState.REJECTED
    raise VenueUnavailable(f"the venue calls an order {status!r}, which is no known status")
