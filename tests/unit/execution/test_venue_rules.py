"""What a venue's answer to an order means, venue by venue."""

import pytest

from hedgerow.execution.venue_rules import (
    RULES,
    Failure,
    Meaning,
    UnknownVenueRules,
    meaning,
    name_conflict,
    rules_of,
)

# (venue, what the client library calls it, the answer as it comes in the library's message, its meaning)
ANSWERS = [
    (
        "bybit",
        Failure.NAMED,
        'bybit {"retCode":110072,"retMsg":"OrderLinkedID is duplicate"}',
        "AlreadyThere",
    ),
    ("bybit", Failure.NAMED, 'bybit {"retCode": 170141,"retMsg":"Duplicate clientOrderId"}', "AlreadyThere"),
    ("bybit", Failure.NAMED, 'bybit {"retCode":110007,"retMsg":"ab not enough for new order"}', "Rejected"),
    ("bybit", Failure.NAMED, 'bybit {"retCode":10002,"retMsg":"invalid request, recv_window"}', "Rejected"),
    ("bybit", Failure.TOO_MANY, 'bybit {"retCode":10006,"retMsg":"Too many visits!"}', "NotSent"),
    ("bybit", Failure.TOO_MANY, "bybit 403 Forbidden access too frequent", "NotSent"),
    ("bybit", Failure.NAMED, 'bybit {"retCode":10016,"retMsg":"Server error"}', "Unknown"),
    ("bybit", Failure.LOST, 'bybit {"retCode":10000,"retMsg":"Server Timeout"}', "Unknown"),
    ("bybit", Failure.LOST, "bybit POST https://api.bybit.com/v5/order/create", "Unknown"),
    ("bybit", Failure.LOST, "bybit 503 Service Unavailable", "Unknown"),
    ("binance", Failure.NAMED, 'binance {"code":-4116,"msg":"ClientOrderId is duplicated."}', "AlreadyThere"),
    ("binance", Failure.NAMED, 'binance {"code":-2019,"msg":"Margin is insufficient."}', "Rejected"),
    ("binance", Failure.TOO_MANY, 'binance {"code":-1015,"msg":"Too many new orders"}', "NotSent"),
    ("binance", Failure.TOO_MANY, "binance 418 I'm a teapot", "NotSent"),
    ("binance", Failure.NAMED, 'binance {"code":-1007,"msg":"Send status unknown"}', "Unknown"),
    (
        "okx",
        Failure.NAMED,
        'okx {"code":"1","data":[{"clOrdId":"hr","sCode":"51016","sMsg":"Duplicated client order ID"}]}',
        "AlreadyThere",
    ),
    (
        "okx",
        Failure.NAMED,
        'okx {"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient balance"}]}',
        "Rejected",
    ),
    ("okx", Failure.TOO_MANY, 'okx {"code":"50011","msg":"Requests too frequent."}', "NotSent"),
    ("okx", Failure.NAMED, 'okx {"code":"50004","msg":"Endpoint request timeout"}', "Unknown"),
    ("deribit", Failure.NAMED, 'deribit {"error":{"code":10009,"message":"not_enough_funds"}}', "Rejected"),
    (
        "deribit",
        Failure.TOO_MANY,
        'deribit {"error":{"code":10028,"message":"too_many_requests"}}',
        "NotSent",
    ),
    ("deribit", Failure.NAMED, 'deribit {"error":{"code":10040,"message":"retry"}}', "Unknown"),
]


@pytest.mark.parametrize(("venue", "failure", "text", "expected"), ANSWERS)
def test_an_answer_means_what_the_venues_documentation_says(
    venue: str, failure: Failure, text: str, expected: str
) -> None:
    assert meaning(RULES[venue], failure, text) is Meaning(expected)


@pytest.mark.parametrize("venue", sorted(RULES))
def test_no_answer_is_never_a_no(venue: str) -> None:
    for text in ("", "connection reset by peer", "<html>502 Bad Gateway</html>", "110072 -4116 51016 10028"):
        assert meaning(RULES[venue], Failure.LOST, text) is Meaning.UNKNOWN


@pytest.mark.parametrize("venue", sorted(RULES))
def test_no_code_has_two_meanings(venue: str) -> None:
    rules = RULES[venue]
    groups = [rules.already_there, rules.not_sent, rules.unknown]
    assert sum(map(len, groups)) == len(frozenset().union(*groups))


def test_a_number_in_an_order_id_is_no_code() -> None:
    text = 'bybit {"retCode":110007,"retMsg":"order 110072 of 10006"}'
    assert meaning(RULES["bybit"], Failure.NAMED, text) is Meaning.REJECTED


def test_two_orders_of_one_name_are_for_a_person() -> None:
    assert name_conflict(RULES["bybit"], 1) == name_conflict(RULES["deribit"], 1) == ""
    assert "promises to be unique" in name_conflict(RULES["bybit"], 2)
    assert "which it allows" in name_conflict(RULES["deribit"], 2)


def test_a_venue_without_rules_is_refused_by_name() -> None:
    with pytest.raises(UnknownVenueRules, match=r"kraken.*binance, bybit, deribit, okx"):
        rules_of("kraken")
