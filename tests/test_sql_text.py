from __future__ import annotations

from tcpdw import sql_text


def test_statements_split_at_semicolons_outside_of_texts() -> None:
    text = (
        "-- a; b\nCREATE TABLE t (x INT);\n"
        "\n/* c; */ SELECT ';', \";\" -- d;\n;\n  \n-- only words\n"
    )
    found = [statement for _, statement in sql_text.statements(text)]
    assert found == [
        "-- a; b\nCREATE TABLE t (x INT)",
        "\n\n/* c; */ SELECT ';', \";\" -- d;\n",
    ]


def test_statements_know_where_they_begin() -> None:
    text = "SELECT 1;\nSELECT 2"
    assert [(offset, text[offset:][:9]) for offset, _ in sql_text.statements(text)] == [
        (0, "SELECT 1;"),
        (9, "\nSELECT 2"),
    ]


def test_an_escaped_quote_does_not_end_a_text() -> None:
    found = [s for _, s in sql_text.statements("SELECT 'it''s; so', \"a\"\"b;\"; SELECT 2")]
    assert found == ["SELECT 'it''s; so', \"a\"\"b;\"", " SELECT 2"]


def test_tokens_count_open_brackets() -> None:
    depths = {t.text: t.depth for t in sql_text.tokens("a (b [c]) d")}
    assert (depths["a"], depths["("], depths["b"], depths["c"]) == (0, 0, 1, 2)
    assert (depths["]"], depths[")"], depths["d"]) == (1, 0, 0)


def test_code_words() -> None:
    words = sql_text.code_words(
        "SELECT t.a, 'hidden' FROM event.x AS t -- comment\n"
        '/* block */ JOIN "Quoted" ON 1e5 > "e"."f"'
    )
    assert {"t", "a", "t.a", "event", "x", "event.x", "Quoted", "e.f"} <= words
    assert not words & {"hidden", "comment", "block", "e5", "1e5"}


def test_select_items() -> None:
    text = """
    WITH w AS (SELECT inner_one FROM x)
    SELECT
        -- The first, of
        -- two lines.
        a,
        b.c AS d, -- After the comma: the next one's.
        -- Ignored inside brackets.
        COALESCE(e, (SELECT f FROM g)) AS h,
        i + 1
    FROM w
    UNION ALL
    SELECT j FROM k
    """
    assert list(sql_text.select_items(text)) == [
        ("a", "The first, of two lines."),
        ("d", ""),
        ("h", "After the comma: the next one's. Ignored inside brackets."),
        ("i", ""),
    ]


def test_select_items_names_what_has_no_name() -> None:
    assert list(sql_text.select_items("SELECT *, -- One.\n 'x'")) == [("?", ""), ("?", "One.")]
    assert list(sql_text.select_items("VALUES (1)")) == []


def test_table_items() -> None:
    text = """CREATE TABLE t (
        -- A decimal, whose comma is no end.
        a DECIMAL(10, 2) NOT NULL,
        -- A keyword's name.
        "window" INTEGER,
        b VARCHAR -- Of nothing: it comes after its column.
    )"""
    assert list(sql_text.table_items(text)) == [
        ("a", "A decimal, whose comma is no end."),
        ("window", "A keyword's name."),
        ("b", ""),
    ]
