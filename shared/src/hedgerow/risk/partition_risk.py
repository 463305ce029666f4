"""Risk of the strategies of one partition: its inputs in their order, to risk states."""

from collections.abc import Callable

import msgspec

from hedgerow.risk.inventory import inventories_of, volatilities_of, watch_volatility
from hedgerow.risk.loan import loan_of
from hedgerow.risk.problems import find_problems
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.risk.valuation import exposures_of, marks_of
from hedgerow.schemas.records import AccountInput, BookInput, MarkInput, RiskInput, ScoreInput, StrategyInput
from hedgerow.schemas.risk_state import RiskState

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(dict[str, StrategyState])


class PartitionRisk:
    """A pure function of the partition's log: the same inputs give the same bytes, after a restore as well.

    Args:
        on_stale: called for each input dropped because a newer one is known.
    """

    def __init__(self, on_stale: Callable[[], None] = lambda: None) -> None:
        self._strategies: dict[str, StrategyState] = {}
        self._on_stale = on_stale

    def apply(self, record: RiskInput, offset: int) -> RiskState | None:
        """The strategy's risk after this input.

        None when there is nothing to say: the strategy is not known (its inputs are repeated, so nothing is lost),
        was taken away, or the input is older than what is known. A repeated input moves the clock and speaks again.

        Args:
            offset: of the input in its partition; it becomes the state's sequence.
        """
        state = self._state_for(record)
        if state is None:
            return None
        if not state.take(record):
            self._on_stale()
            return None
        if isinstance(record, MarkInput):
            watch_volatility(state, state.quotes[record.quote.instrument])
        published = state.published
        problems = find_problems(state, record.routed_ns)
        return RiskState(
            strategy=record.strategy,
            uid=published.uid,
            generation=published.generation,
            revision=published.revision,
            sequence=offset,
            time_ns=record.routed_ns,
            cause=cause_of(record),
            ready=not problems,
            problems=problems,
            exposures=exposures_of(state),
            marks=marks_of(state),
            scores=tuple(
                state.scores[asset] for asset in sorted(published.config.scored & state.scores.keys())
            ),
            loan=loan_of(state, record.routed_ns),
            inventories=inventories_of(state),
            volatilities=volatilities_of(state),
        )

    def generation_of(self, strategy: str) -> tuple[str, int] | None:
        """The uid and generation that this strategy runs; None when it is not known."""
        state = self._strategies.get(strategy)
        return None if state is None else (state.published.uid, state.published.generation)

    def snapshot(self) -> bytes:
        return _encoder.encode(self._strategies)

    def restore(self, state: bytes) -> None:
        """Take over what `snapshot` gave.

        Raises:
            ValueError: the bytes are no such state.
        """
        try:
            self._strategies = _decoder.decode(state)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error

    def _state_for(self, record: RiskInput) -> StrategyState | None:
        if isinstance(record, StrategyInput):
            if record.published is None:
                self._strategies.pop(record.strategy, None)
                return None
            if record.strategy not in self._strategies:
                self._strategies[record.strategy] = StrategyState(published=record.published)
        return self._strategies.get(record.strategy)


def cause_of(record: RiskInput) -> str:
    """The id of an input, as `RiskState.cause` carries it."""
    if isinstance(record, MarkInput):
        return f"quote:{record.quote.instrument}:{record.quote.sequence}"
    if isinstance(record, BookInput):
        return f"book:{record.book.name}:{record.book.sequence}"
    if isinstance(record, ScoreInput):
        return f"score:{record.score.asset}:{record.score.sequence}"
    if isinstance(record, AccountInput):
        return f"account:{record.account.venue}:{record.account.sequence}"
    generation = record.published.generation if record.published is not None else None
    return f"strategy:{record.strategy}:{generation}"
