from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader

from aerogram import InlineImage, Notification, Renderer
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import RenderError, UndefinedVariableError
from aerogram.templating import Templates


def html(source: str, **values: Any) -> str:
    return Templates((), DictLoader({"a.html": source})).html("a.html", values, "origin")


def text(source: str, **values: Any) -> str:
    return Templates((), DictLoader({"a.txt": source})).text("a.txt", values, "origin")


def block(source: str, **values: Any) -> str:
    return html("{% markdown %}\n" + source + "\n{% endmarkdown %}", **values)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (
            "# Hello\n\n**Bold** and *thin*",
            "<h1>Hello</h1>\n<p><strong>Bold</strong> and <em>thin</em></p>\n",
        ),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"),
        ("[a](https://x.y)", '<p><a href="https://x.y">a</a></p>\n'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("`a`", "<p><code>a</code></p>\n"),
        ("~~a~~", "<p><s>a</s></p>\n"),
    ],
)
@pytest.mark.parametrize("indent", ["", "  ", "    ", "\t", "            "])
def test_markdown_becomes_html_indented_or_not(source: str, made: str, indent: str) -> None:
    indented = "\n".join(indent + line if line else line for line in source.split("\n"))
    assert block(indented) == made
    assert html("{{ x | markdown }}", x=indented) == made
    assert html("<td>{% markdown %}" + source + "{% endmarkdown %}</td>") == f"<td>{made}</td>"


def test_a_table() -> None:
    assert "<td>1</td>" in block("| a | b |\n|---|---|\n| {{ one }} | 2 |", one=1)


@pytest.mark.parametrize(
    "source",
    [
        "Items:\n{% for i in items %}\n    - {{ i }}\n{% endfor %}",
        "    Items:\n\n    {% for i in items %}\n        - {{ i }}\n    {% endfor %}",
        "  Items:\n  {% for i in items %}\n  - {{ i }}\n  {% endfor %}",
    ],
)
def test_loops_may_indent_their_body(source: str) -> None:
    assert block(source, items=["a", "b"]) == "<p>Items:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"


def test_indentation_within_lists_and_code_keeps_its_meaning() -> None:
    made = block("    - a\n      - b\n\n      more\n    - c\n\n    ```\n    x\n      y\n    ```")
    assert "<li>\n<p>a</p>\n<ul>\n<li>b</li>\n</ul>\n<p>more</p>\n</li>" in made
    assert "<pre><code>x\n  y\n</code></pre>" in made


VALUES = [
    "<script>alert(1)</script>", "<b>x</b>", "&amp;", "[click](https://evil.example)", "![x](https://evil.example/x.png)",
    "<https://evil.example>", "**bold**", "`code`", "# title", "- item", "> quote", "a\n\nb", "    code",
    "a|b",
    "\\", "a_b_c", "[a]: https://evil.example", "~~~", "1. x", "a  \nb", '" onclick="x', "zqaerogram0qz",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    ("before", "after", "start", "end"),
    [
        ("", "", "<p>", "</p>\n"),
        ("Dear ", ",", "<p>Dear ", ",</p>\n"),
        ("# ", "", "<h1>", "</h1>\n"),
        ("- ", "", "<ul>\n<li>", "</li>\n</ul>\n"),
        ("**", "**", "<p><strong>", "</strong></p>\n"),
        ("[", "](https://x.y)", '<p><a href="https://x.y">', "</a></p>\n"),
        ("`", "`", "<p><code>", "</code></p>\n"),
        ('[a](https://x.y "', '")', '<p><a href="https://x.y" title="', '">a</a></p>\n'),
    ],
)
def test_a_value_is_text_and_nothing_else(value: str, before: str, after: str, start: str, end: str) -> None:
    from markupsafe import escape

    assert block(f"{before}{{{{ value }}}}{after}", value=value) == f"{start}{escape(value)}{end}"
    loop = f"{{% for each in [value] %}}\n{before}{{{{ each }}}}{after}\n{{% endfor %}}"
    assert block(loop, value=value) == f"{start}{escape(value)}{end}"


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://x.y/?a=1&b=2", "https://x.y/?a=1&amp;b=2"),
        ("https://x.y/a b", "https://x.y/a%20b"),
        ('https://x.y/"><b>', "https://x.y/%22%3E%3Cb%3E"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("/path", "/path"),
        ("https://x.y/a)b", "https://x.y/a)b"),
    ],
)
def test_a_url_may_be_a_value(url: str, written: str) -> None:
    assert block("[Pay]({{ url }})", url=url) == f'<p><a href="{written}">Pay</a></p>\n'
    assert block("[Pay]({{ url }}#x)", url=url) == f'<p><a href="{written}#x">Pay</a></p>\n'


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JavaScript:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc"]
)
def test_a_url_that_runs_code_is_refused(url: str) -> None:
    with pytest.raises(RenderError, match=r"a\.html, line 1.*scheme"):
        block("[Pay]({{ url }})", url=url)
    assert "href" not in html("{{ x | markdown }}", x=f"[a]({url.strip()})")


def test_raw_html_is_shown_as_text() -> None:
    assert block("<b>x</b> <!-- c -->") == "<p>&lt;b&gt;x&lt;/b&gt; &lt;!-- c --&gt;</p>\n"
    assert "<script" not in html("{{ x | markdown }}", x="<script>1</script>\n\n<div onclick=x>")


def test_macros_and_blocks_put_their_html_in() -> None:
    source = (
        "{% from 'aerogram/components.html' import button, panel %}{% markdown %}\n"
        "    Hello **{{ name }}**\n\n    {{ button('Open', url) }}\n\n"
        "    {% call panel() %}<p>{{ name }}</p>{% endcall %}\n\n    Bye\n{% endmarkdown %}"
    )
    made = html(source, name="<Ann>", url="https://x.y")
    assert made.startswith("<p>Hello <strong>&lt;Ann&gt;</strong></p>\n")
    assert '<a href="https://x.y">Open</a>' in made
    assert "<p>&lt;Ann&gt;</p>" in made
    assert "<p><div" not in made.replace("\n", "")
    assert made.rstrip().endswith("<p>Bye</p>")


def test_nested_markdown_and_markdown_in_a_variable() -> None:
    assert block("{{ note | markdown }}", note="*x* {{ y }}").strip() == "<p><em>x</em> {{ y }}</p>"
    assert "<em>" not in block("{% set x %}*{{ y }}*{% endset %}{{ y }}", y="*b*")


def test_translations_are_markdown_and_their_values_are_not() -> None:
    source = "{% trans %}Dear **{{ name }}**, [open]({{ url }}){% endtrans %}"
    made = block(source, name="*<Ann>*", url="https://x.y/?a&b")
    assert made == '<p>Dear <strong>*&lt;Ann&gt;*</strong>, <a href="https://x.y/?a&amp;b">open</a></p>\n'
    plural = "{% trans n=items|length %}*{{ n }}* item{% pluralize %}*{{ n }}* items{% endtrans %}"
    assert block(plural, items=[1, 2]) == "<p><em>2</em> items</p>\n"


def test_text_parts_keep_the_source() -> None:
    source = "{% markdown %}\n    # Hello {{ name }}\n\n    - **a**\n      - b\n{% endmarkdown %}\n"
    source += "{{ note | markdown }}"
    assert text(source, name="<*Ann*>\nB", note="*x*") == "# Hello <*Ann*>\nB\n\n- **a**\n  - b\n*x*"


@pytest.mark.parametrize("source", ["{{ nothing }}", "{{ nothing | markdown }}", "[a]({{ nothing }})"])
def test_an_undefined_variable_is_named(source: str) -> None:
    with pytest.raises(UndefinedVariableError, match=r"line 2.*'nothing' is undefined"):
        block(source)


def test_none_is_refused_as_elsewhere() -> None:
    for source in ("{{ x }}", "{{ x | markdown }}"):
        with pytest.raises(RenderError, match=r"\{\{ x .*None"):
            block(source, x=None)


class Letter(Notification, name="markdown_letter"):
    subject = "x"
    html_template = "a.html"
    to = ["ann@example.com"]
    name: str = "Ann"
    items: Any = ("a", "b")
    chart: Any = InlineImage(b"GIF89a", "image/gif")

    @classmethod
    def samples(cls) -> dict[str, Any]:
        return {"one": cls()}


PAGE = (
    "{% extends 'aerogram/base.html' %}{% block content %}\n{% markdown %}\n  Dear **{{ name }}**,\n\n"
    "  {% for item in items %}\n  - [{{ item }}](https://x.y/{{ item }})\n  {% endfor %}\n\n"
    "  ![Chart]({{ chart }})\n{% endmarkdown %}\n{% endblock %}"
)


def test_stencils_change_nothing_and_images_are_sent() -> None:
    mails = Renderer([], DictLoader({"a.html": PAGE}))
    for name in ("Ann", "Bob", "<b>*x*</b>", "", "Ann"):
        for items in (["a"], ["a", "b"], ["x y", "&"], [], ["z"]):
            made = []
            for on in (True, False):
                with settings.override(STENCILS=on):
                    message = mails.render(Letter(name=name, items=items))
                    made.append((str(message.alternatives[0].content), message.body))
            assert made[0] == made[1]
            assert message.message().get_content_type() == "multipart/related"
            assert "cid:" not in message.body
    assert mails.stencils.stats.hits > 5


def test_check_reads_the_variables_of_a_block(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE.replace("{{ name }}", "{{ nmae }}"))
    with settings.override(TEMPLATE_DIRS=[tmp_path]):
        assert [problem.code for problem in check([Letter])] == ["unknown-variable"]


def test_without_markdown_it_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['markdown_it'] = None\n"
        "from jinja2 import DictLoader\nfrom aerogram.templating import Templates\n"
        "t = Templates((), DictLoader({'a': 'x', 'b': '{% markdown %}x{% endmarkdown %}'}))\n"
        "print(t.html('a', {}, 'o'), t.text('b', {}, 'o'))\n"
        "try: t.html('b', {}, 'o')\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("x x\n")
    assert "pip install 'aerogram[markdown]'" in done.stdout
