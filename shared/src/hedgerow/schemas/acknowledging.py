"""Who must run a generation before its strategy is ready."""

from hedgerow.strategy.compiled import CompiledStrategy

PIPELINE = frozenset({"router", "risk", "hedging"})


def executor_role(venue: str) -> str:
    """The role under which the executor of one Venue (`namespace/name`) acknowledges."""
    return f"executor:{venue}"


def required_roles(config: CompiledStrategy) -> frozenset[str]:
    """The pipeline's roles, and the executor of each Venue that the strategy hedges on."""
    return PIPELINE | {executor_role(leg.venue) for leg in config.hedge_with}
