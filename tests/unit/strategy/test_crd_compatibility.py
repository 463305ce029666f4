"""The new CRDs accept whatever those of the last release accepted."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hedgerow.strategy.compatibility import narrowings
from hedgerow.strategy.crds import KINDS, Kind, schema_of

RELEASED = Path(__file__).parent / "released_crds"
Schema = dict[str, Any]
# A changed pattern or rule is told though it may accept more than before. Name those here, each with why it refuses
# nothing that may be stored; a release takes them away again.
HARMLESS: dict[str, str] = {
    "HedgeStrategy.spec.exposure: there is a new rule: a book or an account stands here twice; count each book once, "
    "and each account": "What is stored has books alone, each once.",
    "HedgeStrategy.spec.exposure[]: there is a new rule: a source is one book or one account; write book or account, "
    "and give the other a source of its own": "What is stored has a book in every source.",
    "HedgeStrategy.spec.policy: there is a new rule: exactly the block that `type` names belongs here; write "
    "policy.band with type Band, policy.sentimentCurve with type SentimentCurve, policy.inventoryRisk with type "
    "InventoryRisk, policy.loanToValue with type LoanToValue, and no other block": "What is stored has type Band and "
    "its block.",
    "HedgeStrategy.spec.policy: there is a new rule: only policies that hedge a part of the exposure count funding; "
    "write policy.funding with type SentimentCurve or LoanToValue": "it is about a block that no release had",
    "HedgeStrategy.spec: there is a new rule: no source in spec.exposure has this name; name the source that tells the "
    "loans": "it is about a block that no release had",
    "HedgeStrategy.spec: there is a new rule: policy SentimentCurve must know how old a score may be, and no other "
    "policy reads scores; write freshness.score, e.g. 3s, with policy SentimentCurve and with no other": "What is "
    "stored has neither.",
    "HedgeStrategy.spec.execution: there is a new rule: exactly the block that `style` names belongs here; write "
    "execution.twap with style Twap, execution.escalation with style Escalation, and none with "
    "Clips": "what is stored is of style Clips and has no such block",
    "HedgeStrategy.spec.limits: there is a new rule: it is a ratio of the price, so nothing could be 1 or more away "
    'below it; write it below 1, e.g. "0.25"': "it is about a field that no release had",
    "Venue.spec: there is a new rule: type Ccxt says by ccxt.id which venue it is, and the built-in exchange has no "
    "such name; write the block ccxt, e.g. {id: bybit}, with type Ccxt and with no other": "What is stored has type "
    "Builtin and no such block.",
    "Venue.spec: there is a new rule: real money is traded within a limit of loss; write limits.maxDailyLoss, e.g. "
    '"100000"': "What is stored has environment Paper.",
}


def released(kind: Kind) -> Schema:
    """The schema of the last release; it moves on with each release, when k8s/crds is copied here."""
    crd = YAML(typ="safe", pure=True).load(RELEASED / f"{kind.plural}.yaml")
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def test_what_was_accepted_is_accepted() -> None:
    told = [f"{kind.name}{text}" for kind in KINDS for text in narrowings(released(kind), schema_of(kind))]
    assert sorted(told) == sorted(HARMLESS), (
        "accept it still, or say in HARMLESS why nothing stored is refused"
    )


STRATEGY = next(kind for kind in KINDS if kind.name == "HedgeStrategy")


def spec(schema: Schema, *path: str) -> Schema:
    found: Schema = schema["properties"]["spec"]
    for name in path:
        found = found["items"] if name == "[]" else found["properties"][name]
    return found


def require(schema: Schema) -> None:
    spec(schema)["required"].append("suspended")
    spec(schema)["properties"]["suspended"] = {"type": "boolean"}


NARROWED: list[tuple[str, Callable[[Schema], Any], str]] = [
    ("a value is gone", lambda s: spec(s, "mode")["enum"].remove("Paper"), ".spec.mode: ['Paper'] are gone"),
    (
        "values where any text was right",
        lambda s: spec(s, "hedgeWith", "[]", "instrument").update(enum=["BTC/USDT:USDT"]),
        ".spec.hedgeWith[].instrument: only ['BTC/USDT:USDT'] are left",
    ),
    (
        "a lower maximum",
        lambda s: spec(s, "limits", "priceCollarBps").update(maximum=100),
        ".spec.limits.priceCollarBps: maximum was 5000 and is 100",
    ),
    (
        "a higher minimum",
        lambda s: spec(s, "limits", "priceCollarBps").update(minimum=2),
        ".spec.limits.priceCollarBps: minimum was 1 and is 2",
    ),
    (
        "fewer items",
        lambda s: spec(s, "exposure").update(maxItems=4),
        ".spec.exposure: maxItems was 16 and is 4",
    ),
    (
        "a shorter text",
        lambda s: spec(s, "execution", "clipNotional").update(maxLength=10),
        ".spec.execution.clipNotional: maxLength was 25 and is 10",
    ),
    (
        "another pattern",
        lambda s: spec(s, "policy", "band", "[]", "underlying").update(pattern="^BTC$"),
        ".spec.policy.band[].underlying: pattern was ^[A-Z0-9]{1,20}$ and is ^BTC$",
    ),
    (
        "another type",
        lambda s: spec(s, "suspend").update(type="string"),
        ".spec.suspend: type was boolean and is string",
    ),
    ("a field is gone", lambda s: spec(s)["properties"].pop("suspend"), ".spec.suspend: it is gone"),
    ("a field is required", require, ".spec.suspended: it is required now"),
    (
        "an old field is required",
        lambda s: spec(s)["required"].append("deletionPolicy") or spec(s, "deletionPolicy").pop("default"),
        ".spec.deletionPolicy: it is required now",
    ),
    (
        "another default",
        lambda s: spec(s, "execution", "cooldown").update(default="5s"),
        ".spec.execution.cooldown: its default was 2s and is 5s",
    ),
    (
        "a new rule",
        lambda s: spec(s)["x-kubernetes-validations"].append({"rule": "false", "message": "never; do not"}),
        ".spec: there is a new rule: never; do not",
    ),
    (
        "items told apart by a key",
        lambda s: spec(s, "hedgeWith").update({"x-kubernetes-list-type": "map"}),
        ".spec.hedgeWith: x-kubernetes-list-type was not there and is map",
    ),
]


@pytest.mark.parametrize(
    ("edit", "words"), [case[1:] for case in NARROWED], ids=[case[0] for case in NARROWED]
)
def test_what_may_refuse_something_stored_is_told(edit: Callable[[Schema], Any], words: str) -> None:
    new = deepcopy(schema_of(STRATEGY))
    edit(new)
    assert words in narrowings(schema_of(STRATEGY), new)


WIDENED: list[tuple[str, Callable[[Schema], Any]]] = [
    ("a value more", lambda s: spec(s, "mode")["enum"].append("Live")),
    ("a higher maximum", lambda s: spec(s, "limits", "priceCollarBps").update(maximum=10_000)),
    ("a longer text", lambda s: spec(s, "execution", "clipNotional").update(maxLength=40)),
    ("no pattern", lambda s: spec(s, "policy", "band", "[]", "underlying").pop("pattern")),
    ("a field more", lambda s: spec(s)["properties"].update(note={"type": "string"})),
    ("a field that may be left out", lambda s: spec(s)["required"].remove("limits")),
    ("a rule less", lambda s: spec(s).pop("x-kubernetes-validations")),
    ("other words", lambda s: spec(s, "mode").update(description="Otherwise said.")),
]


@pytest.mark.parametrize("edit", [case[1] for case in WIDENED], ids=[case[0] for case in WIDENED])
def test_what_accepts_more_is_fine(edit: Callable[[Schema], Any]) -> None:
    new = deepcopy(schema_of(STRATEGY))
    edit(new)
    assert narrowings(schema_of(STRATEGY), new) == []
