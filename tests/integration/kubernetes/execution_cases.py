"""Ways to write how a strategy executes: each style with the block that belongs to it."""

from resource_case import in_block, strategy

LADDER = {"passiveFor": "5s", "aggressiveFor": "5s"}
STYLES_BLOCK = (
    "write execution.twap with style Twap, execution.escalation with style Escalation, and none with Clips"
)
EXECUTION_CASES = [
    strategy("Twap", in_block("execution", style="Twap", twap={"duration": "10m", "slices": 20})),
    strategy("Escalation", in_block("execution", style="Escalation", escalation=LADDER)),
    strategy(
        "a style without its block", in_block("execution", style="Twap"), "spec.execution", STYLES_BLOCK
    ),
    strategy(
        "a block of another style", in_block("execution", escalation=LADDER), "spec.execution", STYLES_BLOCK
    ),
    strategy(
        "two styles' blocks",
        in_block("execution", style="Escalation", escalation=LADDER, twap={"duration": "10m", "slices": 20}),
        "spec.execution",
        STYLES_BLOCK,
    ),
    strategy(
        "a style that is not built",
        in_block("execution", style="Iceberg"),
        "spec.execution.style",
        'supported values: "Clips", "Twap", "Escalation"',
    ),
    strategy(
        "one slice",
        in_block("execution", style="Twap", twap={"duration": "10m", "slices": 1}),
        "spec.execution.twap.slices",
        "greater than or equal to 2",
    ),
    strategy(
        "a ladder without a deadline",
        in_block("execution", style="Escalation", escalation={"passiveFor": "5s"}),
        "spec.execution.escalation.aggressiveFor",
        "Required value",
    ),
]
