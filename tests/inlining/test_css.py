"""CSS is read as browsers read it, and every text is the author's own."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.inlining.css import (
    Declaration,
    RawDeclaration,
    RawRule,
    read_block,
    read_declarations,
    read_rules,
    read_sheet,
    split_list,
)


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("", []),
        ("color:red", [Declaration("color", "red", False)]),
        (" COLOR : Red ! IMPORTANT ;", [Declaration("color", "Red", True)]),
        ("--Brand:Red;--e:", [Declaration("--Brand", "Red", False), Declaration("--e", "", False)]),
        ("color:rgb(0 0 0 / 50%)", [Declaration("color", "rgb(0 0 0 / 50%)", False)]),
        ("content:'\\\"x;y\\\"'", [Declaration("content", "'\\\"x;y\\\"'", False)]),
        ("color:blue\\9;x:#FFF", [Declaration("color", "blue\\9", False), Declaration("x", "#FFF", False)]),
        ("background:url(data:a;b,c);x:y", [
            Declaration("background", "url(data:a;b,c)", False), Declaration("x", "y", False)
        ]),
        ("c\\6flor:red", [Declaration("color", "red", False)]),
        ("x:*|C|*;y:{{W}}", [Declaration("x", "*|C|*", False), Declaration("y", "{{W}}", False)]),
        ("*zoom:1;color;x: ;;y:z", [Declaration("y", "z", False)]),
        ("background:url(x", [Declaration("background", "url(x)", False)]),
        ("x:/* a */y/* b */", [Declaration("x", "/* a */y/* b */", False)]),
    ],
)  # fmt: skip
def test_declarations_keep_their_text(css: str, expected: list[Declaration]) -> None:
    assert read_declarations(css) == expected


def test_a_piece_that_is_no_declaration_is_there_as_it_stands() -> None:
    parts = read_block("*zoom:1; width:{{W}}px; &:hover{color:red} color:blue")
    assert [part.text for part in parts if isinstance(part, RawDeclaration)] == [
        "*zoom:1",
        "px",
        "color:blue",
    ]
    assert [part.prelude for part in parts if isinstance(part, RawRule)] == ["width:", "&:hover"]


@pytest.mark.parametrize(
    "sheet",
    [
        "@media (a:b) { p, .x > b { c: d } }\n/* x */ p[a='}'] { e: f }",
        "p{a:b}q{c:d;e:f}",
        "a:hover{x:y} --z:{a:b} .b--c{x:y}",
        "p\n{ a: url(x{y}z) }\nq { }",
        "<!-- p{a:b} -->",
        "p{color:red",
        "p{a:'b",
        "@media x { p { a: b /* c",
    ],
)
def test_statements_are_slices_of_the_sheet(sheet: str) -> None:
    statements = read_rules(sheet)
    assert statements
    for statement in statements:
        assert statement.block is not None
        assert sheet.startswith(statement.prelude, statement.start)
        assert sheet.startswith(statement.block.rstrip("'*/}"), statement.block_start)


def test_keywords_are_in_lower_case() -> None:
    found = read_rules("@MEDIA(x){} @import 'y'; @-moz-document z{} p{}")
    assert [statement.keyword for statement in found] == ["@media", "@import", "@-moz-document", ""]
    assert [statement.block is None for statement in found] == [False, True, False, False]


def test_a_list_is_split_at_its_own_commas() -> None:
    assert split_list("a, :is(b,c) , [d=',']") == ["a", ":is(b,c)", "[d=',']"]


@pytest.mark.parametrize(
    "sheet",
    ["{" * 20_000, "p[" * 10_000, "x{a:" + "1" * 5_000 + "}", "a" * 100_000, "a;" * 50_000, "p:" * 50_000,
     "@x{" * 5_000, "(" * 20_000, "'" * 20_001, "/*" * 20_000, "x{" + "a{}" * 10_000, "\\" * 20_001],
)  # fmt: skip
def test_hostile_sheets_take_linear_time(sheet: str) -> None:
    calls = itertools.count()
    sys.setprofile(lambda *_: next(calls))
    try:
        for statement in read_rules(sheet):
            read_block(statement.block or "")
    finally:
        sys.setprofile(None)
    assert next(calls) < 4_000_000


def test_an_open_bracket_takes_in_the_rules_behind_it() -> None:
    assert read_rules("[a { top: 0 } p { color: red }") == []
    assert [one.prelude for one in read_rules("a { top: [0 } p { color: red } b ] }")] == ["a"]


@given(st.text(alphabet="ab:;()'\"\\/*{}[]!,#@ -1.%\n<>u+", max_size=200))
def test_any_text_is_read(css: str) -> None:
    text, statements = read_sheet(css)
    assert text.startswith(css)  # it is closed at its end, and otherwise the same
    end = 0
    for statement in statements:
        assert end <= statement.start <= statement.block_start <= statement.end <= len(text)
        assert text.startswith(statement.prelude, statement.start)
        assert statement.block is None or text.startswith(statement.block, statement.block_start)
        end = statement.end
        read_block(statement.block or "")
    assert all(declaration.name for declaration in read_declarations(css))
    assert all(part in text for part in split_list(css))
