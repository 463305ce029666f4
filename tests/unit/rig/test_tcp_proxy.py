import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from faults.tcp_proxy import Direction, Proxies, TcpProxy

SHORT_S = 0.2
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    made = Proxies()
    yield made
    made.close()


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """Port of a server that says everything back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(100):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def connected(door: TcpProxy) -> Ends:
    return await asyncio.open_connection("127.0.0.1", door.port)


async def say(ends: Ends, text: bytes) -> bytes:
    ends[1].write(text)
    return await asyncio.wait_for(ends[0].read(100), 5)


async def test_a_door_lets_everything_through(proxies: Proxies, echo: int) -> None:
    ends = await connected(proxies.door(echo))
    assert await say(ends, b"one") == b"one"
    ends[1].close()


@pytest.mark.parametrize("direction", list(Direction))
async def test_what_is_held_arrives_when_it_heals(proxies: Proxies, echo: int, direction: Direction) -> None:
    door = proxies.door(echo)
    ends = await connected(door)
    assert await say(ends, b"one") == b"one"
    door.hold(direction)
    ends[1].write(b"two")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ends[0].read(100), SHORT_S)
    door.heal()
    assert await asyncio.wait_for(ends[0].read(100), 5) == b"two"
    ends[1].close()


async def test_a_cut_is_known_at_once_and_new_connections_are_reset(proxies: Proxies, echo: int) -> None:
    door = proxies.door(echo)
    ends = await connected(door)
    assert await say(ends, b"one") == b"one"
    door.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(ends[0].read(100), 5)
    with pytest.raises((OSError, AssertionError)):
        assert await say(await connected(door), b"two") == b"two"
    door.heal()
    assert await say(await connected(door), b"three") == b"three"


async def test_half_open_is_silence_until_it_heals(proxies: Proxies, echo: int) -> None:
    door = proxies.door(echo)
    ends = await connected(door)
    assert await say(ends, b"one") == b"one"
    door.half_open()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(say(ends, b"two"), SHORT_S)
    door.heal()
    with pytest.raises((OSError, AssertionError)):
        assert await say(ends, b"three") == b"three"


async def test_what_is_stranded_stays_so_and_new_connections_pass(proxies: Proxies, echo: int) -> None:
    door = proxies.door(echo)
    old = await connected(door)
    assert await say(old, b"one") == b"one"
    door.strand()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(say(old, b"two"), SHORT_S)
    assert await say(await connected(door), b"three") == b"three"
    door.heal()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(old[0].read(100), SHORT_S)


async def test_it_may_lead_to_another_server(proxies: Proxies, echo: int) -> None:
    door = proxies.door(1)
    door.lead_to(echo)
    assert await say(await connected(door), b"one") == b"one"
