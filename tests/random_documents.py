"""Random mails with what real ones have: the same seed gives the same document.

Tables, mis-nested elements, sheets for phones and dark mode, states, shorthands beside longhands, values of
all ages. Every word is unique (``w7``), so that a test can say which one is missing.
"""

from __future__ import annotations

import re
from itertools import count
from random import Random

COLORS = [
    *("red", "#0a0", "#FFFFFF", "#11223380", "rgb(9 8 7 / 50%)", "hsl(120deg 50% 50%)", "transparent"),
    *("var(--Brand)", "rgb(var(--rgb) / .5)", "inherit", "unset", "color-mix(in srgb, red, blue)"),
]
LENGTHS = ["0", "1px", "7.5px", "2%", "1em", "calc(1px + (2px * 3))", "min(9px, 5%)", "var(--gap)", "10px"]
BOX = ["margin", "padding", *(f"{box}-{side}" for box in ("margin", "padding") for side in ("top", "left"))]
OTHERS = [
    *("border: 1px solid red", "border-top: 3px dashed blue", "border-color: lime", "border: 0"),
    *("border-width: 1px 2px", "border-radius: 4px", "border-top-left-radius: 9px", "outline: 1px solid"),
    *("font: italic bold 12px/30px Georgia, serif", "font-size: 14px", "line-height: 2", "font-weight: bold"),
    *("font-family: 'A B', sans-serif", "letter-spacing: 1px", "text-transform: uppercase"),
    *("text-align: center", "text-align: right", "vertical-align: top", "text-decoration: none"),
    *("display: block", "display: inline-block", "display: table-cell", "float: left", "overflow: hidden"),
    *("width: 100%", "width: calc((100% - 20px) / 2)", "width: 120px", "max-width: 600px", "height: auto"),
    *("background: none", "background: linear-gradient(#ff000080, red)", "background: #eee url(a;b.png)"),
    *("list-style: square inside", "list-style-type: none", "box-shadow: 0 0 #0000", "all: unset"),
    *("--Brand: navy", "--gap: 3px", "--rgb: 9 9 9", "color: blue\\9", "color: foo(1)", "width: {{ W }}px"),
    *("*zoom: 1", "mso-line-height-rule: exactly", "margin-inline: 2px", "padding-inline-start: 5px"),
]
PAIRS = [
    *("background-color: #eee; background-color: rgba(1, 2, 3, .5)", "display: inline-block; display: block"),
    *("margin: 10px; margin-top: 20px", "margin-top: 20px; margin: 1px", "padding: 10px; padding-left: 0"),
    *(
        "font: bold 12px Arial; line-height: 2",
        "border: 1px solid red; border-left: 0",
        "color: red; color: no",
    ),
]
CLASSES = ["a", "b", "c", "sm:p-4", "p-1.5"]
TAGS = ["div", "p", "span", "a", "b", "td", "table", "tr", "li", "h1", "img", "body", "*"]
STATIC = [
    *(
        ":first-child",
        ":last-child",
        ":nth-child(2n+1)",
        ":nth-child(1 of .a)",
        ":not(.a, #x)",
        ":is(.b, #x)",
    ),
    *(":where(#x, p)", ":has(b)", ":empty", ":link", "[align=center]", "[title^='t' i]"),
]
STATES = [":hover", "::before", ":focus", "::first-line"]
MEDIA = [
    *("(prefers-color-scheme: dark)", "(max-width: 480px)", "only screen and (max-width: 600px)", "print"),
    *("screen", "(min-width: 600px)", "screen and (prefers-color-scheme: dark)", "not all"),
]
HOOKS = [
    *(".ExternalClass * { line-height: 100% }", "u + .body .a { color: lime }", "#outlook a { padding: 0 }"),
    *("@font-face { font-family: K; src: url(data:,) }", "@supports (display: grid) { .b { color: lime } }"),
    *(
        "@keyframes k { to { color: red } }",
        "[data-ogsc] .a { color: pink !important }",
        "a:no(b), p { top: 0 }",
    ),
]
MISNESTED = [  # @ stands for attributes, % for words
    *("<a@ href=u><table@><tr><td>%</td></tr></table></a>", "<p@>%<div@>%</div>%</p>", "</p>%</div>"),
    *("<b@><p@>%</b>%</p>", "<i@><b>%</i>%</b>", "<h1@><p>%</p></h1>", "<ul><li@>%<li>%</ul>", "<div@/>%"),
    *(
        "<font@><center>%</center></font>",
        "<table@>%<tr><td>%</table>",
        "<td@>%</td>",
        "<a@ href=1>%<a>%</a>",
    ),
    *("<table><td>%<td@>%</table>", "<pre@>\n\n%  %</pre>", "<small@><ul><li>%</ul></small>"),
]
STYLES = [
    *["<style>"] * 6,
    *("<style media='screen, print'>", "<style media='only screen and (max-width: 480px)'>"),
    *("<style type='text/plain'>", "<style data-premailer=ignore>", "<style media=print>"),
]


class Author:
    """Writes one document."""

    def __init__(self, seed: int, *, layered: bool) -> None:
        self.random, self.layered, self.numbers = Random(seed), layered, count(1)
        self.pick = self.random.choice

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def several(self, most: int) -> range:
        return range(self.random.randint(1, most))

    def declaration(self) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            text = f"{self.pick(['color', 'background-color', 'background'])}: {self.pick(COLORS)}"
        elif kind == 1:
            text = f"{self.pick(BOX)}: {self.pick(LENGTHS)}"
        else:
            text = self.pick(OTHERS if kind == 2 or self.chance(0.6) else PAIRS)
        return text + (" !important" if self.chance(0.12) else "")

    def block(self) -> str:
        return "; ".join(self.declaration() for _ in self.several(3))

    def compound(self) -> str:
        classes = "".join("." + name.replace(":", "\\:").replace(".", "\\.") for name in self.classes())
        return self.pick([classes, self.pick(TAGS), self.pick(TAGS) + self.pick(STATIC), "#x", f"p{classes}"])

    def selectors(self) -> str:
        joined = (self.compound() + self.pick([" ", " > ", " + ", "~"]) + self.compound() for _ in range(9))
        found = [next(joined) if self.chance(0.3) else self.compound() for _ in self.several(2)]
        return ", ".join(found) + (self.pick(STATES) if self.chance(0.12) else "")

    def rule(self) -> str:
        nested = (
            f"; {self.pick(['&:hover', '& b', '.b', '@media screen'])} {{ {self.block()} }} {self.block()}"
        )
        return f"{self.selectors()} {{ {self.block()}{nested if self.layered and self.chance(0.3) else ''} }}"

    def statement(self) -> str:
        if self.chance(0.25):
            return f"@media {self.pick(MEDIA)} {{ {' '.join(self.rule() for _ in self.several(3))} }}"
        if self.layered and self.chance(0.3):
            return f"@layer {self.pick(['one', 'two', 'one.in', ''])} {{ {self.rule()} }}"
        return self.pick(HOOKS) if self.chance(0.08) else self.rule()

    def sheet(self) -> str:
        start = ":root { --Brand: rgb(1, 2, 3); --rgb: 7 8 9; --gap: 8px }" if self.chance(0.5) else ""
        return (
            f"{self.pick(STYLES)}{start}\n"
            + "\n".join(self.statement() for _ in self.several(7))
            + "</style>"
        )

    def classes(self) -> list[str]:
        return self.random.sample(CLASSES, self.pick([1, 1, 2]))

    def attributes(self) -> str:
        text = f' class="{" ".join(self.classes())}"' if self.chance(0.6) else ""
        text += f' style="{self.block()}"' if self.chance(0.25) else ""
        return text + self.pick(
            [*[""] * 8, " id=x", " align=CENTER", " title=Tip", " width=30", " bgcolor=#eee"]
        )

    def words(self) -> str:
        return " ".join(f"w{next(self.numbers)}" for _ in self.several(3))

    def inline(self, depth: int) -> str:
        if depth > 5 or self.chance(0.5):
            return self.words()
        tag = self.pick(["span", "a href=https://x.example/", "b", "em", "font color=red", "small", "u"])
        return f"<{tag}{self.attributes()}>{self.inline(depth + 1)}</{tag.split()[0]}>"

    def table(self, depth: int) -> str:
        rows = "\n".join(
            f"<tr{self.attributes()}>"
            + "".join(f"<td{self.attributes()}>{self.content(depth + 2)}</td>" for _ in self.several(3))
            + "</tr>"
            for _ in self.several(2)
        )
        return f"<table{self.attributes()}{self.pick(['', ' width=600', ' border=1'])}>{rows}</table>"

    def content(self, depth: int) -> str:
        return " ".join(self.flow(depth) if self.chance(0.4) else self.inline(depth) for _ in self.several(2))

    def flow(self, depth: int) -> str:
        if depth > 5:
            return f"<p{self.attributes()}>{self.words()}</p>"
        if self.chance(0.15):
            marks = {"@": self.attributes, "%": self.words}
            return re.sub("[@%]", lambda mark: marks[mark[0]](), self.pick(MISNESTED))
        tag = self.pick(["div", "div", "p", "p", "table", "ul", "h1", "center", "blockquote", "img"])
        if tag == "table":
            return self.table(depth)
        if tag == "img":
            return f"<img src='data:,'{self.attributes()} alt=''>"
        if tag == "ul":
            items = "".join(f"<li{self.attributes()}>{self.inline(depth)}</li>" for _ in self.several(3))
            return f"<ul{self.attributes()}>{items}</ul>"
        inside = self.inline(depth) if tag in ("p", "h1") else self.content(depth + 1)
        return f"<{tag}{self.attributes()}>{inside}</{tag}>"


def random_document(seed: int, *, layered: bool = False) -> str:
    """Return the document of a seed; a layered one has ``@layer`` and nested rules too."""
    author = Author(seed, layered=layered)
    head = "".join(author.sheet() for _ in author.several(3))
    body = "\n".join(author.flow(0) for _ in range(5))
    doctype = author.pick(["<!doctype html>", "<!doctype html>", ""])
    late = f"<p>{author.words()}</p>" if author.chance(0.2) else ""
    return f"{doctype}<html lang=en><head>{head}</head><body{author.attributes()}>{body}</body>{late}</html>"
