"""Keys live where Kafka's own clients put them."""

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.streams.partitioning import murmur2, partition_of


@given(st.binary(max_size=64))
def test_murmur2_is_that_of_kafka(data: bytes) -> None:
    assert murmur2(data) == reference(data) & 0xFFFFFFFF


@pytest.mark.parametrize(("key", "partition"), [("demo/btc-desk", 1), ("BTC", 2), ("BTC/USDT", 0)])
def test_partitions_of_an_installation_never_move(key: str, partition: int) -> None:
    assert partition_of(key, 4) == partition


@given(st.text(max_size=40), st.integers(1, 64))
def test_every_key_has_a_partition(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
