"""Which tape stands for which instrument: decided here once, so that ingestion and the exchange cannot differ."""

from collections.abc import Iterable

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.recording import is_recorded
from hedgerow.adapters.synthetic.tape import SyntheticTape
from hedgerow.adapters.tape import Tape
from hedgerow.adapters.tape_source import TapeSource
from hedgerow.domain.instruments import find_instrument


def load_tapes(source: TapeSource, symbols: Iterable[str]) -> dict[str, Tape]:
    """A tape per instrument: recorded where its underlying was recorded, else synthetic. Blocks while reading.

    An underlying is recorded as a whole or not at all: half of it would stand at another price.

    Raises:
        KeyError: a symbol is not listed.
        FileNotFoundError: the folder holds no recording at all, or only some of an underlying's.
        ValueError: a recording cannot be used; the message says why.
    """
    instruments = [find_instrument(symbol) for symbol in symbols]
    recorded: set[str] = set()
    if source.recordings is not None:
        folder = source.recordings
        recorded = {item.underlying for item in instruments if is_recorded(folder, item)}
        if not recorded:
            raise FileNotFoundError(
                f"no recording in {folder}; set HEDGEROW_RECORDINGS to a folder of recordings (`recordings/` in this "
                "project holds one), or HEDGEROW_FEED=Synthetic"
            )
    return {
        item.symbol: RecordedTape.load(source.recordings, item.symbol)
        if source.recordings is not None and item.underlying in recorded
        else SyntheticTape(item, source.seed, source.interval_ns, source.scenario)
        for item in instruments
    }
