"""``to_dict`` and ``from_dict``: fields survive JSON, and wrong data is refused with the field's name."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from email.headerregistry import Address
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from aerogram import AdminNotification, InlineImage, Notification
from aerogram.conf import settings
from aerogram.exceptions import NotificationNotFound, PayloadError

TODAY = datetime(2026, 1, 2)
IMAGE = InlineImage(b"x", "image/gif", "x.gif")
BERLIN = ZoneInfo("Europe/Berlin")


class Colour(Enum):
    RED = "red"
    BLUE = (0, 0, 255)


class Level(IntEnum):
    LOW = 1


class Size(StrEnum):
    XL = "xl"


class Point(NamedTuple):
    x: int
    y: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    article: str
    price: Decimal
    made: date | datetime | str | None = None
    total: Decimal = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", self.price * 2)


@dataclasses.dataclass
class Parcel:
    weight: float


@dataclasses.dataclass
class TrackedParcel(Parcel):
    number: str
    content: list[Parcel] = dataclasses.field(default_factory=list)


class Customer(BaseModel):
    name: str
    since: datetime
    colours: dict[str, Colour] = {}
    address: Customer | None = None


class Secret(BaseModel):
    token: SecretStr


class Everything(Notification, abstract=True):
    """The base says nothing about the values: each test has a class with one field."""

    subject = "Hello"
    text_template = "hello.txt"
    to = ["ann@example.com"]


class Anything(Everything):
    value: Any | Path
    known: Colour | Level | Size | Point | Line | Parcel | Customer | None = None


class Order(Everything):
    number: int
    to: list[str]  # type: ignore[assignment]  # an argument
    total: Decimal = Decimal(0)
    lines: list[Line] = dataclasses.field(default_factory=list)
    due: date | None = None
    kind: Literal["small", "large"] = "small"


def through_json(notification: Notification) -> Any:
    return Notification.from_dict(json.loads(json.dumps(notification.to_dict(), allow_nan=False)))


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of equal types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and one != one:
        return other != other
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, list | tuple) and not isinstance(one, Enum):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, datetime | time):
        return (str(one), one.fold, type(one.tzinfo)) == (str(other), other.fold, type(other.tzinfo))
    return bool(one == other)


ZONES = st.sampled_from([None, UTC, BERLIN, ZoneInfo("America/St_Johns"), timezone(timedelta(hours=5.5))])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.binary().map(bytearray),
    st.dates(), st.datetimes(timezones=ZONES), st.times(timezones=ZONES), st.timedeltas(), st.decimals(),
    st.uuids(),
    st.sampled_from([*Colour, *Level, *Size, BERLIN, Path("a/b"), IMAGE]),
    st.sampled_from([Address("Ann Ö", "ann", "x.org"), Address("Z", "zoë", "x.org"), Address("Staff")]),
    st.builds(Point, st.integers(), st.decimals(allow_nan=False)),
)  # fmt: skip
KEYS = st.one_of(st.text(), st.integers(), st.sampled_from(["$date", "$", *Colour]), st.dates())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(KEYS, inner),
        st.sets(st.integers() | st.text()),
        st.frozensets(st.dates()),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_every_value_survives_json(value: Any) -> None:
    assert same(through_json(Anything(value=value)).value, value)


T = TypeVar("T")


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


class Filed(BaseModel):
    value: Any


class FiledPath(BaseModel):
    value: Path


class Pair(NamedTuple):
    value: Any


class Boxes(Everything):
    box: Box[int]
    more: list[Box[str]] = dataclasses.field(default_factory=list)


class Attached(Everything):
    attachments: list[Any]
    path: Path | None = None
    kept: list[dict[str, Path]] | FiledPath | None = None
    filed: Filed | Pair | Box[Any] | None = None


def test_a_generic_dataclass_survives() -> None:
    boxes = Boxes(box=Box(1), more=[Box("a")])
    assert through_json(boxes).context() == boxes.context()


def test_an_image_survives_with_its_name() -> None:
    (image,) = through_json(Attached(attachments=[InlineImage(b"GIF89a", "image/gif", "a.gif")])).attachments
    assert (image.content, image.mimetype, image.filename) == (b"GIF89a", "image/gif", "a.gif")


@pytest.mark.parametrize("tag", ["$path", "$posix_path", "$windows_path"])
@pytest.mark.parametrize(
    ("field", "wrap"),
    [
        ("attachments", lambda path: [path]),
        ("attachments", lambda path: [{"$tuple": ["a.txt", path, None]}]),
        ("attachments", lambda path: [{"name": {"$dict": [[1, path]]}}]),
        ("filed", lambda path: {"$class": ["Filed", {"value": path}]}),
        ("filed", lambda path: {"$class": ["Pair", [path]]}),
        ("filed", lambda path: {"$class": ["Box", {"content": path}]}),
        ("attachments", lambda path: [{"$class": ["Filed", {"value": path}]}]),
    ],
)
def test_data_names_no_file_unless_the_annotation_says_path(tag: str, field: str, wrap: Any) -> None:
    fields = {"attachments": [], field: wrap({tag: "/etc/passwd"})}
    with pytest.raises(PayloadError, match=rf"Attached\.{field}.*Annotate the field with Path\.$"):
        Notification.from_dict({"notification": "attached", "fields": fields})


def test_a_path_survives_where_the_annotation_says_so() -> None:
    for kept in ([{"a": Path("b")}], FiledPath(value=Path("c"))):
        read = through_json(Attached(attachments=[], path=Path("a"), kept=kept))
        assert (read.path, read.kept) == (Path("a"), kept)
    with pytest.raises(PayloadError, match="Annotate the field with Path"):
        Attached(attachments=[Path("a")]).to_dict()


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_decimal_that_is_no_number_is_refused_in_a_sentence(number: str) -> None:
    with pytest.raises(PayloadError, match=r"Order\.total: .*finite number"):
        Order(number=1, to=[], total=Decimal(number)).to_dict()


LINES = st.builds(
    Line, st.text(), st.decimals(places=2, max_value=10**6, min_value=0),
    st.none() | st.dates() | st.datetimes(timezones=ZONES) | st.text(),
)  # fmt: skip


@given(
    st.builds(
        Order,
        number=st.integers(),
        to=st.lists(st.emails()),
        total=st.decimals(allow_nan=False, allow_infinity=False),
        lines=st.lists(LINES),
        due=st.none() | st.dates(),
        kind=st.sampled_from(["small", "large"]),
    )
)
def test_every_notification_survives_json(order: Order) -> None:
    read = through_json(order)
    assert type(read) is Order
    assert same(read.context(), order.context())


def test_the_text_is_what_a_person_would_read() -> None:
    order = Order(number=7, to=["ann@example.com"], total=Decimal("1.50"), due=date(2026, 5, 13))
    assert order.to_dict() == {
        "notification": "order",
        "fields": {
            "number": 7,
            "to": ["ann@example.com"],
            "total": {"$decimal": "1.50"},
            "lines": [],
            "due": {"$date": "2026-05-13"},
            "kind": "small",
        },
    }


@pytest.mark.parametrize(
    "value",
    [
        TrackedParcel(1.5, "7", [Parcel(2.0), TrackedParcel(1.0, "8")]),
        Customer(name="Ann", since=datetime(2026, 5, 13, tzinfo=BERLIN), colours={"a": Colour.BLUE}),
        [Customer(name="Bob", since=datetime(2026, 1, 1), address=Customer(name="x", since=TODAY))],
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    ],
)  # fmt: skip
def test_classes_of_the_annotations_survive(value: Any) -> None:
    read = through_json(Anything(value=value)).value
    assert read == value
    assert repr(read) == repr(value)


def test_fields_left_out_have_their_defaults() -> None:
    data = {"notification": "order", "fields": {"number": 7, "to": []}}
    assert Notification.from_dict(data).context() == Order(number=7, to=[]).context()


def test_staff_mail_survives() -> None:
    read = AdminNotification.from_dict(AdminNotification(subject="Disk", message="full").to_dict())
    assert (read.subject, read.message) == ("Disk", "full")


class Plain:
    pass


@pytest.mark.parametrize(
    "value",
    [
        Plain(),
        object(),
        [Plain()],
        {"a": Plain()},
        len,
        Plain,
        str,
        iter([]),
        Secret(token=SecretStr("s3cret")),
    ],
)
def test_what_cannot_be_read_back_is_refused_with_its_field(value: Any) -> None:
    with pytest.raises(PayloadError, match=r"Anything\.value.*") as refused:
        Anything(value=value).to_dict()
    assert "s3cret" not in str(refused.value)
    assert isinstance(refused.value, TypeError | ValueError)


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(PayloadError, match="too deep"):
        Anything(value=circle).to_dict()


def test_markup_is_not_turned_into_text() -> None:
    from markupsafe import Markup

    with pytest.raises(PayloadError, match="Markup"):
        Anything(value=Markup("<b>")).to_dict()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"number": "7"}, r"Order\.number"),
        ({"number": True}, r"Order\.number"),
        ({"number": None}, r"Order\.number"),
        ({"to": "ann@example.com"}, r"Order\.to"),
        ({"to": [7]}, r"Order\.to"),
        ({"total": 1.5}, r"Order\.total"),
        ({"total": {"$decimal": "many"}}, r"Order\.total"),
        ({"due": "2026-05-13"}, r"Order\.due"),
        ({"due": {"$date": "2026-13-13"}}, r"Order\.due"),
        ({"due": {"$date": {"$date": "2026-05-13"}}}, r"Order\.due"),
        ({"kind": "huge"}, r"Order\.kind"),
        ({"lines": [{"article": "x"}]}, r"Order\.lines"),
        ({"lines": [{"$class": ["Line", {"article": "x"}]}]}, r"lines\[0\]\.price: the field is missing"),
        ({"lines": [{"$class": ["Line", {"artikel": "x"}]}]}, r"lines\[0\]\.artikel: there is no such"),
        ({"lines": [{"$class": ["Parcel", {"weight": 1.0}]}]}, r"Order\.lines\[0\].*no annotation leads"),
        ({"lines": [{"$class": ["os:system", ["true"]]}]}, r"Order\.lines\[0\]"),
        ({"lines": [{"$class": 7}]}, r"Order\.lines\[0\]"),
        ({"lines": [{"$class": [{}, {}]}]}, r"Order\.lines\[0\]"),
        ({"lines": [{"$nothing": 7}]}, r"Order\.lines\[0\].*'\$nothing' is not known"),
        ({"nmber": 7}, r"Order\.nmber: there is no such field.*number"),
        ({"__class__": 7}, r"Order\.__class__"),
        ({7: 7}, r"Order\.7"),
    ],
)  # fmt: skip
def test_wrong_data_is_refused_with_its_field(fields: dict[Any, Any], text: str) -> None:
    good = Order(number=7, to=[]).to_dict()
    with pytest.raises(PayloadError, match=text):
        Notification.from_dict({**good, "fields": {**good["fields"], **fields}})


@pytest.mark.parametrize(
    "data", [None, [], {}, {"notification": "order"}, {"notification": "order", "fields": {}, "more": 1},
             {"notification": "order", "fields": []}, {"notification": "order", "fields": {}}],
)  # fmt: skip
def test_other_data_is_refused(data: Any) -> None:
    with pytest.raises(PayloadError):
        Notification.from_dict(data)


def test_wrong_types_are_refused_where_they_are_written() -> None:
    with pytest.raises(PayloadError, match=r"Order\.number: a value of type str was given"):
        Order(number="7", to=[]).to_dict()  # type: ignore[arg-type]  # that is the test


def test_the_class_is_that_of_the_name() -> None:
    data = Order(number=7, to=[]).to_dict()
    assert type(Everything.from_dict(data)) is Order
    with pytest.raises(NotificationNotFound, match="No Anything is named 'order'"):
        Anything.from_dict(data)
    with pytest.raises(NotificationNotFound, match="NOTIFICATION_MODULES"):
        Notification.from_dict({**data, "notification": "os.system"})


def test_the_modules_of_the_settings_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mails_of_a_worker.py").write_text(
        "from aerogram import Notification\n"
        "class WorkersMail(Notification):\n"
        "    subject = 'x'\n    text_template = 'x.txt'\n    count: int\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with settings.override(NOTIFICATION_MODULES=["mails_of_a_worker"]):
        read: Any = Notification.from_dict({"notification": "workers_mail", "fields": {"count": 3}})
    assert read.count == 3


class Unresolved(Everything):
    order: Missing  # type: ignore[name-defined]  # noqa: F821 - that is the test


def test_an_annotation_that_does_not_exist_is_named() -> None:
    with pytest.raises(PayloadError, match=r"Unresolved\.order: 'Missing' in its annotation"):
        Unresolved(order=7).to_dict()


class Row(TypedDict):
    number: int


class WithRow(Notification, name="payload_with_row"):
    subject = "s"
    text_template = "x.txt"
    to = ["ann@example.com"]
    row: Row


def test_a_typed_dict_is_kept_where_pydantic_can_check_it_and_named_where_not() -> None:
    if sys.version_info >= (3, 12):
        assert WithRow.from_dict(WithRow(row={"number": 1}).to_dict()).row == {"number": 1}
    else:
        with pytest.raises(PayloadError, match=r"^WithRow\.row: .*typing_extensions"):
            WithRow(row={"number": 1}).to_dict()
