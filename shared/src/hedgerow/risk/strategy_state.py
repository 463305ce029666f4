"""What risk knows of one strategy: its generation and the newest of each input."""

import msgspec

from hedgerow.analytics.ewma import Ewma
from hedgerow.schemas.records import (
    AccountInput,
    AccountState,
    BookInput,
    ClientBook,
    MarkInput,
    Quote,
    RiskInput,
    Score,
    ScoreInput,
    StrategyPublished,
)
from hedgerow.strategy.compiled import CompiledStrategy


def trusted(quote: Quote, config: CompiledStrategy) -> Quote:
    """The quote, not valid where the strategy trades for real and it does not come from where it trades: of a tape, of
    another venue, of the venue's other environment."""
    if not config.priced_by or not quote.valid or quote.source == config.priced_by:
        return quote
    return msgspec.structs.replace(
        quote,
        valid=False,
        reason=f"prices of {quote.source or 'a tape'}, and mode Live on {config.priced_by} takes its own live ones "
        "only: see HEDGEROW_FEED",
    )


class StrategyState(msgspec.Struct, kw_only=True):
    """Newest wins, input by input.

    Attributes:
        quotes: by instrument; books: by the book's name; scores: by asset; accounts: by their Venue's
            key; account_hedges: by it too, what strategies hedge with there.
        volatilities: by instrument, of those whose policy asks for it.
    """

    published: StrategyPublished
    quotes: dict[str, Quote] = {}
    books: dict[str, ClientBook] = {}
    scores: dict[str, Score] = {}
    accounts: dict[str, AccountState] = {}
    account_hedges: dict[str, tuple[str, ...]] = {}
    volatilities: dict[str, Ewma] = {}

    def take(self, record: RiskInput) -> bool:
        """Take an input over, a repeated one as well; False when a newer one is known, and nothing changed."""
        if isinstance(record, MarkInput):
            return self._take_quote(record.quote)
        if isinstance(record, BookInput):
            return self._take_book(record.book)
        if isinstance(record, ScoreInput):
            return self._take_score(record.score)
        if isinstance(record, AccountInput):
            return self._take_account(record)
        assert record.published is not None
        return self._take_generation(record.published)

    def _take_quote(self, quote: Quote) -> bool:
        known = self.quotes.get(quote.instrument)
        if known is not None and quote.sequence < known.sequence:
            return False
        self.quotes[quote.instrument] = trusted(quote, self.published.config)
        return True

    def _take_book(self, book: ClientBook) -> bool:
        # A book is repeated with the same sequence and a later `published_ns`, which keeps it fresh.
        known = self.books.get(book.name)
        if known is not None and (book.sequence, book.published_ns) < (known.sequence, known.published_ns):
            return False
        self.books[book.name] = book
        return True

    def _take_score(self, score: Score) -> bool:
        known = self.scores.get(score.asset)
        if known is not None and score.sequence < known.sequence:
            return False
        self.scores[score.asset] = score
        return True

    def _take_account(self, record: AccountInput) -> bool:
        account = record.account
        known = self.accounts.get(account.venue)
        if known is not None and account.sequence < known.sequence:
            return False
        self.accounts[account.venue] = account
        self.account_hedges[account.venue] = record.hedges
        return True

    def _take_generation(self, published: StrategyPublished) -> bool:
        if published.uid == self.published.uid and published.generation < self.published.generation:
            return False
        if published.config.priced_by != self.published.config.priced_by:
            # Nothing that was seen at other prices counts, averages of them neither.
            self.quotes, self.volatilities = {}, {}
        self.published = published
        return True
