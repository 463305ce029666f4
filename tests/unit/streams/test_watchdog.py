"""When a role counts as stuck."""

from hedgerow.streams.watchdog import Watchdog


def test_lag_without_progress_for_longer_than_patience_is_stuck() -> None:
    dog = Watchdog(patience_s=30)
    assert not dog.observe(0, processed=5, lag=3, outage=False)
    assert not dog.observe(30, processed=5, lag=3, outage=False)
    assert dog.observe(31, processed=5, lag=3, outage=False)


def test_progress_or_an_empty_log_starts_the_clock_anew() -> None:
    dog = Watchdog(patience_s=30)
    dog.observe(0, processed=5, lag=3, outage=False)
    assert not dog.observe(31, processed=6, lag=3, outage=False)
    assert not dog.observe(60, processed=6, lag=0, outage=False)
    assert not dog.observe(89, processed=6, lag=9, outage=False)
    assert dog.observe(91, processed=6, lag=9, outage=False)


def test_an_outage_of_a_declared_server_excuses() -> None:
    dog = Watchdog(patience_s=30)
    dog.observe(0, processed=5, lag=3, outage=False)
    assert not dog.observe(100, processed=5, lag=3, outage=True)
    assert not dog.observe(130, processed=5, lag=3, outage=False)
    assert dog.observe(131, processed=5, lag=3, outage=False)
