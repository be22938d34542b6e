"""The invoice of an order as a PDF of one or more pages, written without a library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders import Order

LEFT, RIGHT, TOP, BOTTOM = 56, 539, 786, 90  # points on an A4 page, 595 by 842
LEADING = 22


def invoice_pdf(order: Order) -> bytes:
    """Return a PDF file with the invoice of ``order``."""
    pages = ["\n".join(page) for page in _pages(order)]
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        stream = page.encode("cp1252", "replace")
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {6 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        ]
    return _file(objects)


def _file(objects: Iterable[bytes]) -> bytes:
    """Number the objects and append the table of their offsets."""
    written, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(offsets) + 1
    return written + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(written))
    )


def _pages(order: Order) -> Iterator[Sequence[str]]:
    """Yield the drawing commands of each page."""
    page = [*_text(LEFT, TOP, "Halyard Coffee", bold=True, size=18)]
    facts = [f"Invoice {order.number}", f"{order.placed:%d %B %Y}", _printable(order), order.address]
    y = TOP - 44
    for fact in facts:
        page += _text(LEFT, y, fact)
        y -= 16
    y -= 24
    for label, amount, bold in _rows(order):
        if y < BOTTOM:
            yield page
            page, y = [], TOP
        page += [*_text(LEFT, y, _shortened(label), bold=bold), *_amount(y, amount, bold=bold)]
        page.append(f"0.88 G {LEFT} {y - 7} m {RIGHT} {y - 7} l S")
        y -= LEADING
    yield page


def _rows(order: Order) -> Iterator[tuple[str, str, bool]]:
    for line in order.lines:
        yield f"{line.quantity} x {line.article}", str(line.total), False
    if order.discount:
        yield "Discount", str(-order.discount), False
    yield "Shipping", str(order.shipping), False
    yield "Total", str(order.total), True


def _text(x: float, y: float, text: str, *, bold: bool = False, size: int = 11) -> Iterator[str]:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    yield f"BT /F{1 + bold} {size} Tf {x:.1f} {y} Td ({escaped}) Tj ET"


def _amount(y: float, amount: str, *, bold: bool) -> Iterator[str]:
    """Draw an amount aligned to the right margin, using the widths of the digits in Helvetica."""
    width = sum(0.278 if character in ".," else 0.333 if character == "-" else 0.556 for character in amount)
    return _text(RIGHT - 11 * width, y, amount, bold=bold)


def _printable(order: Order) -> str:
    """Return the name of the customer, or the address if the standard fonts cannot show the name."""
    try:
        order.customer.name.encode("cp1252")
    except UnicodeEncodeError:
        return order.customer.email
    return order.customer.name


def _shortened(text: str) -> str:
    return text if len(text) <= 70 else text[:69] + "…"
