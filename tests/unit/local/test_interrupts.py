"""Ctrl-C and requests to end reach whoever they are for."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from hedgerow_local.interrupts import Interrupts, Terminated


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_an_interrupt_leaves_as_itself_though_a_library_turned_it_into_something_else() -> None:
    def library() -> None:
        try:
            interrupt()
        except KeyboardInterrupt:
            raise TypeError("expected a string") from None

    with pytest.raises(KeyboardInterrupt), Interrupts().raised():
        library()


def test_an_error_without_an_interrupt_stays_what_it_is() -> None:
    with pytest.raises(TypeError), Interrupts().raised():
        raise TypeError("expected a string")


def test_while_awaited_ctrl_c_ends_the_sleep_and_is_then_forgotten() -> None:
    interrupts = Interrupts()
    with interrupts.raised():
        with interrupts.awaited():
            interrupt()
            assert interrupts.sleep(time.monotonic() + 3600) is False
        assert interrupts.sleep(time.monotonic()) is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_is_never_waited_out(number: signal.Signals) -> None:
    interrupts = Interrupts()
    with pytest.raises(Terminated), interrupts.raised(), interrupts.awaited():
        interrupt(number)


def test_what_cleans_up_afterwards_is_not_interrupted() -> None:
    with Interrupts().raised():
        pass
    interrupt()
    interrupt(signal.SIGTERM)
