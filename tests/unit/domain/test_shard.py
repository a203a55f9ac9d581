"""Each workspace is taken by exactly one replica, and by the same one for ever."""

import pytest

from exporter.domain.shard import Shard, parse_shard

NAMES = [*(f"workspace-{n}" for n in range(200)), "production", "Staging EU", "ünïcode", "☃", "\ud800", ""]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 500])
def test_every_workspace_is_in_exactly_one_shard(count: int) -> None:
    shards = [Shard(index, count) for index in range(count)]
    for name in NAMES:
        assert sum(shard.takes(name) for shard in shards) == 1, name


def test_which_shard_takes_a_workspace_never_changes() -> None:
    """A changed hash would move workspaces to replicas that do not have their accounts."""
    taken = {name: next(i for i in range(10) if Shard(i, 10).takes(name)) for name in ("production", "staging", "ünï")}
    assert taken == {"production": 4, "staging": 5, "ünï": 6}


def test_workspaces_are_spread() -> None:
    taken = [sum(Shard(index, 4).takes(f"workspace-{n}") for n in range(400)) for index in range(4)]
    assert min(taken) > 50


def test_one_shard_takes_all() -> None:
    assert all(Shard().takes(name) for name in NAMES)


@pytest.mark.parametrize(("text", "shard"), [("0/1", Shard(0, 1)), ("2/3", Shard(2, 3)), ("0/100", Shard(0, 100))])
def test_a_shard_is_written_i_of_n(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard


@pytest.mark.parametrize(
    "text",
    ["", "1", "/", "1/", "/2", "1/1", "3/2", "0/0", "-1/2", "1/-2", "a/b", "0x1/2", " 0/1", "0/1\n", "0/9999999"],
)
def test_what_is_no_shard_is_told_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)
