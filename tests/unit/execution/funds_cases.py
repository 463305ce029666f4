"""The limits of what the accounts can put up, as `control_cases` has those of the other controls."""

from decimal import Decimal

import hedge_examples as example
import msgspec
from control_facts import NOW_NS, Changes, Limits

from hedgerow.execution.claim_facts import RefusalCode
from hedgerow.execution.funds_controls import MAX_FUNDS_AGE_NS
from hedgerow.execution.order_life import IntentState

TOGETHER: Changes = {"config": example.strategy(execution=example.execution(together=True))}
CASH: Changes = {
    "instrument": example.LISTINGS["BTC/USDT"],
    "intent": example.intent(instrument="BTC/USDT"),
    "config": example.strategy(
        execution=example.execution(together=True),
        hedge_with=(
            example.leg(),
            msgspec.structs.replace(example.leg(1), instrument=example.LISTINGS["BTC/USDT"]),
        ),
    ),
}
ELSEWHERE = example.other_order(account="hedge-02")

FUNDS: Limits = {
    "margin of the order": (
        {"funds": example.funds("3000")},
        {"funds": example.funds("2999.99")},
        RefusalCode.INSUFFICIENT_FUNDS,
        "initial margin is needed: 3000.00 for the order; the account had 2999.99 available 0.0 s ago",
    ),
    "margin of what the order opens": (
        {"position": Decimal("0.2"), "funds": example.funds("1800")},
        {"position": Decimal("0.2"), "funds": example.funds("1799.99")},
        RefusalCode.INSUFFICIENT_FUNDS,
        "initial margin is needed: 1800.00",
    ),
    "margin of both legs that go together": (
        {**TOGETHER, "companions": (example.other_order(),), "funds": example.funds("6000")},
        {**TOGETHER, "companions": (example.other_order(),), "funds": example.funds("5999.99")},
        RefusalCode.INSUFFICIENT_FUNDS,
        "3000.00 for the legs that go with it",
    ),
    "margin of orders that the venue may not have counted": (
        {"claimed_since_funds": (example.other_order(),), "funds": example.funds("6000")},
        {"claimed_since_funds": (example.other_order(),), "funds": example.funds("5999.99")},
        RefusalCode.INSUFFICIENT_FUNDS,
        "3000.00 for orders sent since the venue was asked",
    ),
    "funds were seen": (
        {},
        {"funds": None},
        RefusalCode.STALE_FUNDS,
        "the account's funds were not seen yet",
    ),
    "age of the funds": (
        {"funds": example.funds(time_ns=NOW_NS - MAX_FUNDS_AGE_NS)},
        {"funds": example.funds(time_ns=NOW_NS - MAX_FUNDS_AGE_NS - 1)},
        RefusalCode.STALE_FUNDS,
        "the account's funds are 15.000 s old, limit 15 s",
    ),
    "margin of a contract that goes with a cash order": (
        {**CASH, "companions": (example.other_order(),), "funds": example.funds("3000")},
        {**CASH, "companions": (example.other_order(),), "funds": example.funds("2999.99")},
        RefusalCode.INSUFFICIENT_FUNDS,
        "3000.00 for the legs that go with it; the account had 2999.99 available",
    ),
    "margin of a leg on another account": (
        {**TOGETHER, "companions": (ELSEWHERE,), "other_accounts": (example.other_account("3000"),)},
        {**TOGETHER, "companions": (ELSEWHERE,), "other_accounts": (example.other_account("2999.99"),)},
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "intent 2 in BTC/USDT:USDT on desk/paper account hedge-02 goes together with it, and there: initial margin is "
        "needed: 3000.00 for the legs that go with it; the account had 2999.99 available",
    ),
    "margin of orders that the other account's venue may not have counted": (
        {
            **TOGETHER,
            "companions": (ELSEWHERE,),
            "other_accounts": (example.other_account("6000", example.other_order(id=3)),),
        },
        {
            **TOGETHER,
            "companions": (ELSEWHERE,),
            "other_accounts": (example.other_account("5999.99", example.other_order(id=3)),),
        },
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "3000.00 for orders sent since the venue was asked",
    ),
    "funds of the other account were seen": (
        {"companions": (ELSEWHERE,)},  # each goes for itself
        {**TOGETHER, "companions": (ELSEWHERE,)},
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "account hedge-02 goes together with it, and there: funds were not seen yet",
    ),
    "age of the other account's funds": (
        {
            **TOGETHER,
            "companions": (ELSEWHERE,),
            "other_accounts": (example.other_account(time_ns=NOW_NS - MAX_FUNDS_AGE_NS),),
        },
        {
            **TOGETHER,
            "companions": (ELSEWHERE,),
            "other_accounts": (example.other_account(time_ns=NOW_NS - MAX_FUNDS_AGE_NS - 1),),
        },
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "and there: funds are 15.000 s old, limit 15 s",
    ),
    "a leg on the other account that only closes needs no funds": (
        {**TOGETHER, "companions": (msgspec.structs.replace(ELSEWHERE, position=Decimal("0.5")),)},
        {**TOGETHER, "companions": (msgspec.structs.replace(ELSEWHERE, position=Decimal("0.4")),)},
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "funds were not seen yet",
    ),
    "a leg on the other account that was sent is not looked at again": (
        {**TOGETHER, "companions": (msgspec.structs.replace(ELSEWHERE, state=IntentState.SENDING),)},
        {**TOGETHER, "companions": (ELSEWHERE,)},
        RefusalCode.OTHER_ACCOUNT_FUNDS,
        "funds were not seen yet",
    ),
    "a leg that was to go with it is refused": (
        {**TOGETHER, "companions": (example.other_order(state=IntentState.SENDING),)},
        {**TOGETHER, "companions": (example.other_order(state=IntentState.REFUSED),)},
        RefusalCode.LEGS_TOGETHER,
        "intent 2 in BTC/USDT:USDT, which was to go with it, is Refused",
    ),
    "a leg that was to go with it is rejected by the venue": (
        {"companions": (example.other_order(state=IntentState.REJECTED),)},  # each goes for itself
        {**TOGETHER, "companions": (example.other_order(state=IntentState.REJECTED),)},
        RefusalCode.LEGS_TOGETHER,
        "is Rejected",
    ),
}
