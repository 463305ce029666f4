"""Why the exchange says no, in Bybit's codes. Spot and derivatives have codes of their own for the same thing."""

from enum import Enum


class Reason(Enum):
    """(code for derivatives, code for spot)."""

    BAD_PARAMETER = (10001, 10001)
    OUTSIDE_RECEIVE_WINDOW = (10002, 10002)
    UNKNOWN_KEY = (10003, 10003)
    WRONG_SIGNATURE = (10004, 10004)
    PERMISSION_DENIED = (10005, 10005)
    TOO_MANY_REQUESTS = (10006, 10006)
    UNKNOWN_PATH = (10017, 10017)
    PRICE_OFF_TICK = (10001, 170134)
    QUANTITY_OFF_LOT = (10001, 170137)
    QUANTITY_TOO_SMALL = (10001, 170136)
    QUANTITY_TOO_LARGE = (10001, 170135)
    NOTIONAL_TOO_SMALL = (110094, 170140)
    INSUFFICIENT_BALANCE = (110007, 170131)
    REDUCE_ONLY = (110017, 110017)
    DUPLICATE_CLIENT_ORDER_ID = (110072, 170141)
    ORDER_NOT_FOUND = (110001, 170213)


class Refused(Exception):
    """Nothing was changed. `code` is Bybit's retCode, `str()` says what is wrong and what would be right."""

    def __init__(self, reason: Reason, message: str, spot: bool = False) -> None:
        super().__init__(message)
        for_derivatives, for_spot = reason.value
        self.reason = reason
        self.code = for_spot if spot else for_derivatives
