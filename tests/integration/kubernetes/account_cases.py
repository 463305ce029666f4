"""Ways to count a venue account towards the exposure."""

from typing import Any

from resource_case import in_block, in_spec, strategy

PARTS = ["Collateral", "Spot", "Derivatives", "Loans"]


def _source(name: str = "wallet", venue: str = "paper", **changes: Any) -> dict[str, Any]:
    return {"name": name, "account": {"venueRef": {"name": venue}, "count": PARTS, **changes}}


ACCOUNT_CASES = [
    strategy("an account", in_spec(exposure=[_source()])),
    strategy("an account beside a book", lambda d: d["spec"]["exposure"].append(_source(count=["Spot"]))),
    strategy(
        "a book that is called as the Venue is",
        in_spec(exposure=[_source(), {"name": "clients", "book": {"name": "paper"}}]),
    ),
    strategy("an age for accounts", in_block("freshness", account="20s")),
    strategy(
        "an age of nothing for accounts",
        in_block("freshness", account="0s"),
        "spec.freshness.account",
        "write a positive whole number with its unit",
    ),
    strategy(
        "an account twice",
        in_spec(exposure=[_source(), _source("again", count=["Loans"])]),
        "spec.exposure",
        "count each book once, and each account",
    ),
    strategy(
        "an account of no possible Venue",
        in_spec(exposure=[_source(venue="Paper!")]),
        "spec.exposure[0].account.venueRef.name",
        "write lower-case letters, digits and inner dashes",
    ),
    strategy(
        "a book and an account in one source",
        lambda d: d["spec"]["exposure"][0].update(account=_source()["account"]),
        "spec.exposure[0]",
        "a source is one book or one account",
    ),
    strategy(
        "a source of nothing",
        lambda d: d["spec"]["exposure"][0].pop("book"),
        "spec.exposure[0]",
        "a source is one book or one account",
    ),
    strategy(
        "nothing of an account",
        in_spec(exposure=[_source(count=[])]),
        "spec.exposure[0].account.count",
        "at least 1 items",
    ),
    strategy(
        "a part of an account twice",
        in_spec(exposure=[_source(count=["Spot", "Spot"])]),
        "spec.exposure[0].account.count",
        "count each part once",
    ),
    strategy(
        "a part that no account has",
        in_spec(exposure=[_source(count=["Futures"])]),
        "spec.exposure[0].account.count[0]",
        'supported values: "Collateral", "Spot", "Derivatives", "Loans"',
    ),
]
