"""The order book's words, as the integers that its commands, reports and snapshots hold."""

from enum import IntEnum, IntFlag

BUY = 1
SELL = -1
BOTH_SIDES = 0

NO_PRICE = -(2**63)
"""Stands for "none given" where a command or a record has a price."""

ANY_OWNER = 2**32 - 1
"""Stands for every owner in a mass cancel."""

OWNERS = 2**20
"""Owners are numbered 0 to `OWNERS` - 1."""

MAX_QUANTITY = 2**40
"""The most that one order can have: sums over millions of orders stay within 64 bits."""

MAX_PRICE = 2**53
"""The largest price in size, up or down: 2**54 apart, so that differences stay within 64 bits."""

MAX_POSITION = 2**60


class Kind(IntEnum):
    """What a command does. `STOP` becomes a market order, `STOP_LIMIT` a limit order, once triggered."""

    LIMIT = 1
    MARKET = 2
    STOP = 3
    STOP_LIMIT = 4
    AMEND = 5
    CANCEL = 6
    MASS_CANCEL = 7
    EXPIRE = 8
    SET_BAND = 9
    SET_POSITION = 10


class TimeInForce(IntEnum):
    """How long an order may wait: until cancelled, until its expiry, not at all, not at all and not in part."""

    GTC = 1
    GTD = 2
    IOC = 3
    FOK = 4


class SelfTrade(IntEnum):
    """What happens when an incoming order meets one of its own owner; the incoming order's choice counts."""

    ALLOW = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3


class Flag(IntFlag):
    """A command's flags; its `SelfTrade` is in the two bits from `SELF_TRADE_SHIFT` on."""

    POST_ONLY = 1
    REDUCE_ONLY = 2


SELF_TRADE_SHIFT = 2
ALL_FLAGS = 15


class Status(IntEnum):
    """What a command came to. `DONE` is for commands that are not orders."""

    REJECTED = 0
    RESTS = 1
    FILLED = 2
    CANCELLED = 3
    WAITS_FOR_TRIGGER = 4
    DONE = 5


class CancelReason(IntEnum):
    """Why lots of an order left the book, or never entered it, without a trade."""

    REQUESTED = 1
    UNFILLED = 2
    SELF_TRADE = 3
    EXPIRED = 4
    REDUCE_ONLY = 5


class Reject(IntEnum):
    """Why a command was rejected; it then changed nothing. `text` says it in words."""

    NONE = 0
    BAD_KIND = 1
    BAD_SIDE = 2
    BAD_OWNER = 3
    DUPLICATE_ORDER_ID = 4
    UNKNOWN_ORDER = 5
    BAD_TIME_IN_FORCE = 6
    BAD_FLAGS = 7
    POST_ONLY_NOT_ALLOWED = 8
    PRICE_REQUIRED = 9
    PRICE_NOT_ALLOWED = 10
    PRICE_OFF_TICK = 11
    PRICE_OUTSIDE_BAND = 12
    STOP_PRICE_REQUIRED = 13
    STOP_PRICE_NOT_ALLOWED = 14
    STOP_WOULD_TRIGGER = 15
    QUANTITY_TOO_SMALL = 16
    QUANTITY_TOO_LARGE = 17
    QUANTITY_OFF_LOT = 18
    DISPLAY_NOT_ALLOWED = 19
    BAD_DISPLAY = 20
    EXPIRY_REQUIRED = 21
    EXPIRY_NOT_ALLOWED = 22
    EXPIRY_PASSED = 23
    REDUCE_ONLY_EXCEEDS_POSITION = 24
    POST_ONLY_WOULD_TAKE = 25
    FOK_CANNOT_FILL = 26
    STOP_CANNOT_BE_AMENDED = 27
    AMEND_CHANGES_NOTHING = 28
    TIME_WENT_BACK = 29
    BAD_BAND = 30
    BAD_POSITION = 31

    @property
    def text(self) -> str:
        return REJECT_TEXTS[self]


REJECT_TEXTS = {
    Reject.NONE: "accepted",
    Reject.BAD_KIND: "the command's kind is not one of Kind",
    Reject.BAD_SIDE: "the side is neither 1 (buy) nor -1 (sell)",
    Reject.BAD_OWNER: "the owner is not between 0 and 1048575",
    Reject.DUPLICATE_ORDER_ID: "an order of this id is in the book",
    Reject.UNKNOWN_ORDER: "no order of this id is in the book",
    Reject.BAD_TIME_IN_FORCE: "limit takes GTC, GTD, IOC or FOK; market takes IOC or FOK; stops take GTC or GTD",
    Reject.BAD_FLAGS: "there are flags that are not known",
    Reject.POST_ONLY_NOT_ALLOWED: "only a GTC or GTD limit order can be post-only",
    Reject.PRICE_REQUIRED: "this kind of order needs a price",
    Reject.PRICE_NOT_ALLOWED: "this kind of order has no price",
    Reject.PRICE_OFF_TICK: "a price is not a multiple of the tick",
    Reject.PRICE_OUTSIDE_BAND: "the price is outside the price band",
    Reject.STOP_PRICE_REQUIRED: "a stop order needs a stop price",
    Reject.STOP_PRICE_NOT_ALLOWED: "only stop orders have a stop price",
    Reject.STOP_WOULD_TRIGGER: "the last trade has reached the stop price already",
    Reject.QUANTITY_TOO_SMALL: "the quantity is below the smallest allowed",
    Reject.QUANTITY_TOO_LARGE: "the quantity is above the largest allowed",
    Reject.QUANTITY_OFF_LOT: "the quantity is not a multiple of the lot",
    Reject.DISPLAY_NOT_ALLOWED: "only an order that waits with a price can display a part",
    Reject.BAD_DISPLAY: "the displayed part is not a positive multiple of the lot below the quantity",
    Reject.EXPIRY_REQUIRED: "a GTD order needs an expiry",
    Reject.EXPIRY_NOT_ALLOWED: "only a GTD order has an expiry",
    Reject.EXPIRY_PASSED: "the expiry is not later than the book's time",
    Reject.REDUCE_ONLY_EXCEEDS_POSITION: "a reduce-only order is larger than the position it may reduce",
    Reject.POST_ONLY_WOULD_TAKE: "a post-only order would take liquidity",
    Reject.FOK_CANNOT_FILL: "a fill-or-kill order cannot be filled whole",
    Reject.STOP_CANNOT_BE_AMENDED: "a waiting stop order cannot be amended; cancel it and send another",
    Reject.AMEND_CHANGES_NOTHING: "the amendment changes neither price nor quantity",
    Reject.TIME_WENT_BACK: "the time is earlier than the book's time",
    Reject.BAD_BAND: "the price band's low is above its high, or a bound is out of range",
    Reject.BAD_POSITION: "the position is out of range",
}
