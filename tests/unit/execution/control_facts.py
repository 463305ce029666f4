"""What a claim looks at, changed field by field: the input of the controls' tables."""

from typing import Any

import hedge_examples as example
import msgspec

from hedgerow.execution.claim_facts import Ceilings, ClaimFacts, RefusalCode
from hedgerow.execution.controls import check

NOW_NS = example.NOW_NS
Changes = dict[str, Any]
# What passes, what does not, and the code and words of the refusal.
Limits = dict[str, tuple[Changes, Changes, RefusalCode, str]]


def facts(**changes: Any) -> ClaimFacts:
    """The example's, changed: a change names a field of the facts or, else, of the intent, the strategy's limits, the
    venue or the ceilings (`platform_…`)."""
    own = {name: value for name, value in changes.items() if name in ClaimFacts.__struct_fields__}
    rest = {name: value for name, value in changes.items() if name not in own}
    platform = {name: rest.pop(name) for name in [name for name in rest if name.startswith("platform_")]}

    def take(of: Any) -> Any:
        return msgspec.structs.replace(
            of, **{name: rest.pop(name) for name in set(rest) & set(of.__struct_fields__)}
        )

    base = example.claim_facts(
        intent=take(example.intent()),
        config=example.strategy(limits=take(example.limits())),
        venue=take(example.venue()),
        ceilings=Ceilings(**{name.removeprefix("platform_"): value for name, value in platform.items()}),
    )
    assert not rest, f"no such fields: {rest}"
    return msgspec.structs.replace(base, **{"opened": base.venue.prices, **own})


def code_of(facts: ClaimFacts) -> RefusalCode | None:
    refusal = check(facts)
    return None if refusal is None else refusal.code
