"""What the API server holds of one kind, as far as it was seen. Of a watch and a list the newer wins. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping

from hedgerow_operator.kinds import Object, key_of


def _version(body: Object) -> int:
    # Opaque by contract until lately, a rising number in fact; without one the last to come wins.
    return int(body["metadata"].get("resourceVersion") or 0)


class Store:
    """Objects of one kind by `namespace/name`.

    Args:
        keep: what of an object is kept; None leaves it out.
        index: what an object is also found by.
    """

    def __init__(
        self,
        keep: Callable[[Object], Object | None],
        index: Callable[[Object], Iterable[Hashable]] = lambda _: (),
    ) -> None:
        self._keep = keep
        self._index = index
        self._found_by: dict[Hashable, dict[str, None]] = defaultdict(dict)
        self._objects: dict[str, Object] = {}
        self._removed: dict[str, int] = {}

    @property
    def objects(self) -> Mapping[str, Object]:
        return self._objects

    def found_by(self, value: Hashable) -> list[str]:
        """Keys of the objects that are indexed by this value."""
        return list(self._found_by.get(value, ()))

    def offer(self, body: Object) -> bool:
        """Take what a watch or an answer showed; say whether it was news."""
        key, kept = key_of(body), self._keep(body)
        if kept is None:
            return self._drop(key)
        known = self._objects.get(key)
        if known is not None and _version(known) > _version(kept):
            return False
        if key in self._removed and _version(kept) <= self._removed[key]:
            return False
        self._drop(key)
        self._objects[key] = kept
        for value in self._index(kept):
            self._found_by[value][key] = None
        return kept != known

    def remove(self, body: Object) -> bool:
        """Take notice of a deletion; say whether it was news."""
        key = key_of(body)
        self._removed[key] = _version(body)
        known = self._objects.get(key)
        if known is None or _version(known) > _version(body):
            return False
        return self._drop(key)

    def forget(self, key: str) -> None:
        """It was deleted by ourselves."""
        self._drop(key)

    def begin_list(self) -> frozenset[str]:
        """What was known when a list began: only that can be found missing in it."""
        self._removed.clear()
        return frozenset(self._objects)

    def end_list(self, known: frozenset[str], listed: Iterable[Object]) -> set[str]:
        """Take a whole list, begun at `begin_list`. Returns the keys that it changed, added or found gone."""
        bodies = {key_of(body): body for body in listed}
        changed = {key for key, body in bodies.items() if self.offer(body)}
        gone = {key for key in known - bodies.keys() if key in self._objects}
        for key in gone:
            self._drop(key)
        return changed | gone

    def _drop(self, key: str) -> bool:
        known = self._objects.pop(key, None)
        if known is None:
            return False
        for value in self._index(known):
            keys = self._found_by[value]
            keys.pop(key, None)
            if not keys:
                del self._found_by[value]
        return True


def without_noise(body: Object) -> Object:
    """An object without the bookkeeping of its fields' managers."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    return {**body, "metadata": metadata}


def secret_keys(body: Object) -> Object:
    """Of a Secret: its name, its version and the names of its keys. No value is kept."""
    metadata = body["metadata"]
    return {
        "metadata": {
            name: metadata[name] for name in ("namespace", "name", "resourceVersion") if name in metadata
        },
        "keys": sorted(body.get("data") or {}),
    }
