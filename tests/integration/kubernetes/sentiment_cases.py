"""Ways to write a sentiment curve: its knots, its zone, and the age of the scores that it reads."""

from collections.abc import Sequence
from typing import Any

from resource_case import in_block, strategy
from resource_documents import Data


def _by_score(
    data: Data,
    knots: Sequence[tuple[str, str]] = (("0", "0.05"), ("0.3", "0.25"), ("0.7", "0.75"), ("1", "1")),
    band: list[Data] | None = None,
    **changes: Any,
) -> None:
    written = [{"score": score, "hedgeFraction": fraction} for score, fraction in knots]
    curve = {"underlying": "BTC", "knots": written, **changes}
    policy: Data = {"type": "SentimentCurve", "sentimentCurve": [curve]}
    data["spec"]["policy"] = policy | ({} if band is None else {"band": band})
    data["spec"]["freshness"]["score"] = "3s"


def _many_knots() -> list[tuple[str, str]]:
    """As many as a curve may have, with all the decimals."""
    return [("0", "0"), *((f"0.{number:09d}", f"0.{number:09d}") for number in range(1, 15)), ("1", "1")]


SENTIMENT_CASES = [
    strategy("a sentiment curve", lambda d: _by_score(d)),
    strategy("the sentiment curve with the most knots", lambda d: _by_score(d, knots=_many_knots())),
    strategy(
        "a flat curve that is never full, with a zone",
        lambda d: _by_score(
            d, knots=[("0.000", "0.5"), ("1.0", "0.50")], maxHedgeFraction="0.5", noTradeNotional="5000"
        ),
    ),
    strategy(
        "two policies' blocks",
        lambda d: _by_score(d, band=d["spec"]["policy"]["band"]),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    strategy(
        "a curve without an age for scores",
        lambda d: (_by_score(d), d["spec"]["freshness"].pop("score")),
        "spec.freshness.score",
        "write freshness.score, e.g. 3s, with policy SentimentCurve",
    ),
    strategy(
        "an age for scores that nobody reads",
        in_block("freshness", score="3s"),
        "spec.freshness.score",
        "no other policy reads scores",
    ),
    strategy(
        "a curve that falls",
        lambda d: _by_score(d, knots=[("0", "0.5"), ("0.5", "0.4"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "hedge fractions must not fall",
    ),
    strategy(
        "knots out of order",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.7", "0.5"), ("0.3", "0.5"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "order the knots by score",
    ),
    strategy(
        "a score twice, otherwise written",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.3", "0.5"), ("0.30", "0.6"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "each score once",
    ),
    strategy(
        "a curve that ends early",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.9", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        'end with score "1"',
    ),
    strategy(
        "a single knot",
        lambda d: _by_score(d, knots=[("0", "0")]),
        "spec.policy.sentimentCurve[0].knots",
        "should have at least 2 items",
    ),
    strategy(
        "a score above 1",
        lambda d: _by_score(d, knots=[("0", "0"), ("1.5", "1")]),
        "spec.policy.sentimentCurve[0].knots[1].score",
        "write a fraction from 0 to 1",
    ),
    strategy(
        "a hedge that is not a number",
        lambda d: _by_score(d, knots=[("0", "NaN"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots[0].hedgeFraction",
        "write a fraction from 0 to 1",
    ),
    strategy(
        "a curve for no asset",
        lambda d: _by_score(d, underlying=" ?"),
        "spec.policy.sentimentCurve[0].underlying",
        "write an asset in capital letters",
    ),
    strategy(
        "a zone of nothing",
        lambda d: _by_score(d, noTradeNotional="0"),
        "spec.policy.sentimentCurve[0].noTradeNotional",
        "write a positive decimal string",
    ),
    strategy(
        "an age that is no duration",
        lambda d: (_by_score(d), d["spec"]["freshness"].update(score="soon")),
        "spec.freshness.score",
        "write a positive whole number with its unit",
    ),
    strategy(
        "a maximum of nothing",
        lambda d: _by_score(d, maxHedgeFraction="0.0"),
        "spec.policy.sentimentCurve[0].maxHedgeFraction",
        "write a fraction above 0 and up to 1",
    ),
]
