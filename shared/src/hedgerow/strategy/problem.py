"""What is wrong with a resource: where, what, and what would be right."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

import msgspec

FieldPath = tuple[str | int, ...]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to correct.

    Attributes:
        at: the field, from the resource's root; list positions as numbers.
        wrong: what is wrong with it; right: what would be right instead.
    """

    at: FieldPath
    wrong: str
    right: str

    @property
    def path(self) -> str:
        """The field as people write it: `spec.policy.band[0].lower`; `resource` for the whole."""
        return path_text(self.at)

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}; {self.right}"


def path_text(at: FieldPath) -> str:
    """`("spec", "band", 0)` as `spec.band[0]`; a key that holds dots or slashes is quoted in brackets."""
    text = ""
    for part in at:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text or "resource"


def quoted(names: object) -> str:
    """Names for a message, in order and quoted; `none` when there are none."""
    items = [f'"{name}"' for name in sorted(map(str, names))] if hasattr(names, "__iter__") else []
    return ", ".join(items) or "none"


def repeated(
    values: Sequence[Hashable] | Mapping[int, Hashable], at: FieldPath, field: FieldPath, right: str
) -> Iterator[Problem]:
    """A problem at every item that repeats the value of an earlier one.

    Args:
        values: by the item's place in its list.
    """
    first: dict[Hashable, int] = {}
    for number, value in values.items() if isinstance(values, Mapping) else enumerate(values):
        earlier = first.setdefault(value, number)
        if earlier != number:
            yield Problem(
                at=(*at, number, *field),
                wrong=f'"{value}" stands already at {path_text((*at, earlier, *field))}',
                right=right,
            )
