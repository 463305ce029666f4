"""Unreadable YAML is refused with line, column and what would be right; readable YAML remembers its lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.cli.yaml_documents import YamlProblem, read_documents

CASES = [
    ("a tab", "a: 1\n\tb: 2\n", 2, 1, "indent with spaces, not with tabs"),
    (
        "two colons",
        "a: 1\nb: c: d\n",
        2,
        5,
        'write one "key: value" per line, and quote a value that holds ": "',
    ),
    (
        "no colon",
        "a: 1\nbroken line\nc: 1\n",
        3,
        1,
        'write "key: value", with a colon and a space after the key',
    ),
    ("uneven columns", "- a\nb: 1\n", 2, 1, "begin all fields of one block in the same column"),
    ("an open quote", "a: 'x\n", 2, 1, "close the quote or bracket that was opened above"),
    (
        "an open bracket",
        "a: [1, 2\nb: 3\n",
        2,
        2,
        "close the bracket that was opened above, and put commas between its items",
    ),
    ("a bare @", "a: @x\n", 1, 4, "quote a value that begins with this character"),
    ("an unknown alias", "a: *x\n", 1, 4, "define it with & further up, or quote a value that begins with *"),
    ("a key twice", "a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, '"c" stands already on line 3; keep one of them'),
    ("a tag", "a: !!python/object:os.system x\n", 1, 4, "take it out"),
    ("a merge key", "<<: {a: 1}\n", 1, 1, "write the fields out"),
    ("a number as key", "a:\n  1: x\n", 2, 3, 'the key 1 is no text; quote it: "1"'),
    ("a block as key", "? [1]\n: x\n", 1, 3, "use a name as the key"),
    ("a control character", "a: 1\nb: \x07\n", 2, 4, "take it out"),
    ("a loop of aliases", "a: &a\n  b: *a\n", 1, 4, "nest at most 32 levels"),
    ("depth", "[" * 20_000, 0, 0, "nest at most 32 levels"),
    ("the second document", "a: 1\n---\nb: [\n", 4, 1, "check the lines above and below"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "right"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_unreadable_text_is_refused_at_its_place(text: str, line: int, column: int, right: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        read_documents(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).endswith(right)


def test_few_aliases_that_stand_for_very_many_values_are_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    with pytest.raises(YamlProblem, match="too large"):
        read_documents("\n".join(lines))


def test_the_line_of_every_field_is_known_in_every_document() -> None:
    first, second = read_documents("# c\na:\n  - b: 1\n    c: x\n---\n---\nd: {e: 2}\n")
    assert first.data == {"a": [{"b": 1, "c": "x"}]}
    assert first.lines == {("a",): 2, ("a", 0): 3, ("a", 0, "b"): 3, ("a", 0, "c"): 4}
    assert (second.data, second.line) == ({"d": {"e": 2}}, 7)


def test_scalars_are_read_as_yaml_1_2_says() -> None:
    text = (
        'a: true\nb: "true"\nc: 1\nd: 1.5\ne: yes\nf: null\ng: 2024-01-01\nh: "1"\ni: .inf\nj: 3s\nk: A/B:B\n'
    )
    assert read_documents(text)[0].data == {
        "a": True,
        "b": "true",
        "c": 1,
        "d": 1.5,
        "e": "yes",
        "f": None,
        "g": "2024-01-01",
        "h": "1",
        "i": ".inf",
        "j": "3s",
        "k": "A/B:B",
    }


@given(st.text(max_size=200) | st.text(alphabet="ab: -\n\t[]{}'\"&*!#|>?%@`,~0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        documents = read_documents(text)
    except YamlProblem:
        return
    assert all(document.line >= 1 for document in documents)
