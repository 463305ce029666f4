"""Who declares what is live. What one publisher declared the other neither changes nor takes away."""

from enum import StrEnum


class Publisher(StrEnum):
    """Who declares what is live."""

    FILES = "files"
    CLUSTER = "cluster"


class DeclaredElsewhere(ValueError):
    """The other publisher declares what is live under this name."""


def require_publisher(name: str, found: str, wanted: Publisher) -> None:
    """
    Raises:
        DeclaredElsewhere: what is live under this name is not of the publisher that wants to change it.
    """
    if found == wanted:
        return
    if wanted is Publisher.FILES:
        raise DeclaredElsewhere(
            f"{name} is declared by a resource of a cluster; change or delete it there, with kubectl"
        )
    raise DeclaredElsewhere(
        f"{name} is live from files; take it away with `hedgerow delete {name}`, and this resource takes its place"
    )
