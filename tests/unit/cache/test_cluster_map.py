"""Reading where the masters are."""

import pytest

from hedgerow.adapters.redis_masters import parse_nodes, read_slots


def test_nodes_are_hosts_and_ports() -> None:
    assert parse_nodes("a:1, [::1]:2,c.d:3") == (("a", 1), ("::1", 2), ("c.d", 3))


@pytest.mark.parametrize("nodes", ["", "a", "a:", ":1", "a:b", "a:1,", "a:-1"])
def test_anything_else_is_refused(nodes: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_nodes(nodes)


def test_a_master_that_does_not_know_its_host_is_where_it_was_asked() -> None:
    rows = [[0, 99, [b"", 7001, b"id"], [b"replica", 7002, b"id"]], [100, 16383, [b"b", 7003, b"id", {}]]]
    assert read_slots(rows, "a") == [(0, 99, ("a", 7001)), (100, 16383, ("b", 7003))]
