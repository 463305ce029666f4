"""Ways to write a band, and the policy block around it: numbers, edges, the block that `type` names."""

from resource_case import strategy
from resource_documents import Data


def _band(data: Data) -> Data:
    found: Data = data["spec"]["policy"]["band"][0]
    return found


NOT_BELOW = "is not below upper"
BAND_CASES = [
    strategy(
        "the widest numbers",
        lambda d: _band(d).update(lower="-999999999999999.999999999", upper="999999999999999"),
    ),
    strategy(
        "edges a billionth apart",
        lambda d: _band(d).update(lower="0.000000001", upper="0.000000002", unit="Notional"),
    ),
    strategy("both edges negative", lambda d: _band(d).update(lower="-2.5", upper="-1")),
    strategy(
        "lower above upper", lambda d: _band(d).update(lower="30000"), "spec.policy.band[0].lower", NOT_BELOW
    ),
    strategy(
        "lower equal to upper, otherwise written",
        lambda d: _band(d).update(lower="25000.000"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    strategy(
        "negative edges the wrong way round",
        lambda d: _band(d).update(lower="-1", upper="-2.5"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    strategy(
        "edges a billionth the wrong way",
        lambda d: _band(d).update(lower="100000000000000.000000002", upper="100000000000000.000000001"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    strategy(
        "an underlying twice",
        lambda d: d["spec"]["policy"]["band"].append(_band(d)),
        "spec.policy.band[1]",
        "Duplicate value",
    ),
    strategy(
        "a policy that is not built",
        lambda d: d["spec"]["policy"].update(type="Greeks"),
        "spec.policy.type",
        'supported values: "Band", "SentimentCurve", "InventoryRisk", "LoanToValue"',
    ),
    strategy(
        "a policy without its block",
        lambda d: d["spec"]["policy"].pop("band"),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    strategy(
        "a number without quotes",
        lambda d: _band(d).update(lower=-25000),
        "spec.policy.band[0].lower",
        'must be of type string: "integer"',
    ),
    strategy(
        "a fraction without quotes",
        lambda d: _band(d).update(upper=0.5),
        "spec.policy.band[0].upper",
        'must be of type string: "number"',
    ),
    strategy(
        "ten decimals",
        lambda d: _band(d).update(upper="1.0000000001"),
        "spec.policy.band[0].upper",
        "write a decimal string with at most 15 digits before and 9 after the point",
    ),
    strategy(
        "an exponent",
        lambda d: _band(d).update(upper="1e5"),
        "spec.policy.band[0].upper",
        "write a decimal string",
    ),
    strategy(
        "a unit of Kubernetes",
        lambda d: _band(d).update(upper="25k"),
        "spec.policy.band[0].upper",
        "write a decimal string",
    ),
]
