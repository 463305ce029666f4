"""What a venue's answer to an order means, venue by venue: codes that only the venue's own documentation explains."""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Meaning(StrEnum):
    """What became of an order that got an error instead of an acceptance."""

    REJECTED = "Rejected"  # the venue looked at it and said no: it does not exist there
    ALREADY_THERE = "AlreadyThere"  # an order of this name exists: look it up, it is ours
    NOT_SENT = (
        "NotSent"  # turned away before anybody looked at it: it does not exist, and nothing is wrong with it
    )
    UNKNOWN = "Unknown"  # it may exist


class Failure(StrEnum):
    """What kind of error came, before the venue's own codes are looked at."""

    NAMED = "Named"  # an answer that names a reason against the order
    TOO_MANY = "TooMany"  # an answer that speaks of too many requests, by its HTTP status or its code
    LOST = "Lost"  # no answer, a broken one, or an error on the venue's side


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's codes.

    Attributes:
        code: finds the venue's code in the text of an answer, as its only group.
        already_there: the client order id was used before.
        not_sent: turned away at the door: too many requests.
        unknown: the venue itself does not know whether the order was executed.
        too_many_is_not_sent: whether an answer that speaks of too many requests without a code is from the door too.
        unique_names: whether two orders can never have the same client order id, so that the name finds the order.
        dead_man_switch: how the venue cancels orders when we fall silent; empty when it cannot.
    """

    code: re.Pattern[str]
    already_there: frozenset[str]
    not_sent: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    too_many_is_not_sent: bool = True
    unique_names: bool = True
    dead_man_switch: str = ""


RULES: Mapping[str, VenueRules] = {
    "bybit": VenueRules(
        code=re.compile(r'"retCode":\s*"?(\d+)'),
        # On contracts, and on spot.
        already_there=frozenset({"110072", "170141"}),
        not_sent=frozenset({"10006", "10018"}),
        # Internal error, server timeout, "order processing".
        unknown=frozenset({"10000", "10016", "170007", "170146"}),
        dead_man_switch="disconnected-cancel-all, armed by the private stream",
    ),
    "binance": VenueRules(
        code=re.compile(r'"code":\s*"?(-?\d+)'),
        already_there=frozenset({"-4116", "-2026"}),
        not_sent=frozenset({"-1003", "-1015", "-1008"}),
        # "Unexpected response" and "Timeout": "execution status unknown", in the venue's words.
        unknown=frozenset({"-1006", "-1007", "-1000"}),
        dead_man_switch="countdownCancelAll, per symbol; ccxt does not offer it",
    ),
    "okx": VenueRules(
        # A batch answers with code 1 and the order's own code in sCode.
        code=re.compile(r'"sCode":\s*"?(\d+)|"code":\s*"?(\d+)'),
        already_there=frozenset({"51016"}),
        not_sent=frozenset({"50011", "50061"}),
        # Request timeout "does not mean success or failure", busy, system error.
        unknown=frozenset({"50004", "50001", "50013", "50026", "51149"}),
        dead_man_switch="cancel-all-after",
    ),
    "deribit": VenueRules(
        code=re.compile(r'"code":\s*(-?\d+)'),
        # Labels may repeat: nothing says that an order is there already.
        already_there=frozenset(),
        not_sent=frozenset({"10028", "10047"}),
        unknown=frozenset({"10040", "13888", "11094"}),
        unique_names=False,
        dead_man_switch="cancel on disconnect, armed by the WebSocket session; ccxt does not offer it",
    ),
}


class UnknownVenueRules(KeyError):
    """No rules are known of a venue, so that what it answers to an order cannot be told."""

    def __str__(self) -> str:
        return str(self.args[0])


def rules_of(exchange: str) -> VenueRules:
    """
    Args:
        exchange: ccxt's id of the venue.

    Raises:
        UnknownVenueRules: there are none; the message names those that there are.
    """
    try:
        return RULES[exchange]
    except KeyError:
        raise UnknownVenueRules(
            f"what {exchange} answers to an order is not known here; known are {', '.join(sorted(RULES))}"
        ) from None


def meaning(rules: VenueRules, failure: Failure, text: str) -> Meaning:
    """What became of an order.

    Args:
        text: the answer as it came, or what the client library made of it.
    """
    codes = {code for found in rules.code.finditer(text) for code in found.groups() if code is not None}
    if codes & rules.already_there:
        return Meaning.ALREADY_THERE
    if codes & rules.unknown:
        return Meaning.UNKNOWN
    if codes & rules.not_sent:
        return Meaning.NOT_SENT
    if failure is Failure.TOO_MANY:
        return Meaning.NOT_SENT if rules.too_many_is_not_sent else Meaning.UNKNOWN
    return Meaning.REJECTED if failure is Failure.NAMED else Meaning.UNKNOWN


def name_conflict(rules: VenueRules, orders_of_this_name: int) -> str:
    """Why a lookup by client order id cannot be believed; empty when it can.

    Where names are unique one answer is the order. Where they are not, two orders of our name mean that one was sent
    twice, by whomever: which of them is the intent's is for a person to say.
    """
    if orders_of_this_name <= 1:
        return ""
    if rules.unique_names:
        return f"the venue shows {orders_of_this_name} orders of a name that it promises to be unique"
    return f"the venue shows {orders_of_this_name} orders of the same name, which it allows"
