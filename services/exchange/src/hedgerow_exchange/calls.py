"""One request to the engine and what comes of it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow_exchange import params
from hedgerow_exchange.accounts import Account
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.orders import Outcome

Visible = Callable[[str], bool]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        visible: whether queries may show an order yet, by its id.
        fraction: of a partial fill on purpose; None for none.
        read_only: whether it is signed with a key that may change nothing.
    """

    engine: Engine
    params: params.Params
    now_ns: int
    visible: Visible = lambda order_id: True
    fraction: Decimal | None = None
    read_only: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The reply's `result`, and what the journal must hold before it is sent."""

    result: Any
    outcome: Outcome | None = None


Public = Callable[[Call], Answer]
Private = Callable[[Call, Account], Answer]
