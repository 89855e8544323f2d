"""What casework decides by itself: priorities, deadlines, joining, routes, search, quality, evidence."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.respond import evidence, notes
from kanhe.respond.alerts import Alert
from kanhe.respond.deadlines import Calendar, Promise, Window, due_ms
from kanhe.respond.joining import (
    MOST_ACCOUNTS,
    MOST_ALERTS,
    MOST_DAYS,
    MOST_PER_SIGN,
    Candidate,
    place_of,
    signs_of,
)
from kanhe.respond.priority import (
    Expectation,
    expected_loss,
    priority_of,
    probability_permille,
)
from kanhe.respond.quality import Sampling, is_drawn
from kanhe.respond.routing import QUEUES, ROUTES, Route, route_of
from kanhe.respond.searching import FIELDS, SearchError, Term, parse
from kanhe.respond.standing import OrdersError, read_orders

DAY = 86_400_000
SHANGHAI = Calendar(
    "Asia/Shanghai",
    tuple(w for day in range(5) for w in (Window(day, 540, 720), Window(day, 780, 1080))),
    frozenset({date(2026, 1, 1), date(2026, 1, 2)}),
    frozenset({date(2026, 1, 4)}),
)


def moment(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def alert(**more: object) -> Alert:
    known: dict[str, object] = {
        "seq": 9, "tenant": "shop", "kind": "decision", "event_id": "e", "at_ms": DAY,
        "event_type": "payment.attempted", "received_ms": DAY, "entities": (("user", "u-1"),),
    }  # fmt: skip
    return Alert(**{**known, **more})  # type: ignore[arg-type] # the fields are those of the class


def candidate(number: int, *shares: tuple[str, str, int], **more: int) -> Candidate:
    known = {"opened_ms": DAY, "alerts": 1, "accounts": 1}
    return Candidate(number=number, shares=shares, **{**known, **more})


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 10**16))
def test_more_score_or_money_never_means_less_loss(a: int, b: int, even: int, amount: int) -> None:
    """The probability rises with the score, is half at the threshold for refusing, and never certain."""
    low, high = sorted((a, b))
    how = Expectation(even)
    assert (
        probability_permille(low, "allow", how) <= probability_permille(high, "allow", how) < 1000
    )
    assert probability_permille(even, "allow", how) == 500
    assert expected_loss(amount, low, "deny", how) <= expected_loss(amount, high, "deny", how)
    assert expected_loss(amount, high, "deny", how) <= amount


def test_a_priority_is_the_sum_of_its_parts() -> None:
    """What stands beside the money is money too, so that anybody can add it up."""
    found = priority_of(12_345, "high", complained=True)
    assert found.total_minor == 12_345 + found.severity_minor + found.complaint_minor
    assert found.severity_minor > priority_of(0, "medium", False).severity_minor


@pytest.mark.parametrize(
    ("opened", "minutes", "due"),
    [
        ("2026-01-05 10:00", 60, "2026-01-05 11:00"),
        ("2026-01-05 11:30", 60, "2026-01-05 13:30"),  # over lunch
        ("2026-01-05 17:30", 60, "2026-01-06 09:30"),  # over night
        ("2026-01-09 17:30", 60, "2026-01-12 09:30"),  # over the weekend
        ("2025-12-31 17:30", 60, "2026-01-04 09:30"),  # holidays; a Sunday is worked instead
        ("2026-01-10 03:00", 8 * 60, "2026-01-12 18:00"),  # opened at rest
    ],
)
def test_working_time_is_what_the_calendar_says(opened: str, minutes: int, due: str) -> None:
    """Nights, lunch, weekends and holidays count nothing; a worked weekend day counts."""
    assert due_ms(moment(opened), Promise(minutes), SHANGHAI) == moment(due)


def test_an_hour_is_an_hour_when_clocks_change() -> None:
    """Around the clock nothing matters; in local hours the day is as long as it is there."""
    nights = Calendar("Europe/Berlin", tuple(Window(day, 0, 24 * 60) for day in range(7)))
    begin = moment("2026-03-29 01:30", "Europe/Berlin")
    assert due_ms(begin, Promise(60), nights) == begin + 3_600_000
    assert due_ms(begin, Promise(60, around_the_clock=True), SHANGHAI) == begin + 3_600_000
    autumn = moment("2026-10-25 00:30", "Europe/Berlin")
    assert due_ms(autumn, Promise(24 * 60), nights) == autumn + DAY


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 5000), st.integers(0, 5000))
def test_more_time_is_never_due_sooner(opened: int, minutes: int, more: int) -> None:
    """Deadlines lie after the opening by at least the time promised, and grow with it."""
    due = due_ms(opened, Promise(minutes), SHANGHAI)
    assert due >= opened + minutes * 60_000
    assert due_ms(opened, Promise(minutes + more), SHANGHAI) >= due


def test_only_signs_of_a_person_join() -> None:
    """An address of the network or a merchant never makes two alerts one case."""
    named = (("user", "u"), ("ip", "192.0.2.1"), ("merchant", "m"), ("card", "c"), ("staff", "s"))
    assert signs_of(alert(entities=named)) == (("user", "u"), ("card", "c"))
    # What staff do is about them, not about the customers whose records they open.
    assert signs_of(alert(entities=named, event_type="staff.action")) == (("staff", "s"),)
    only_ip = candidate(1, ("ip", "192.0.2.1", 3), ("merchant", "m", 3))
    assert place_of(alert(), [only_ip]).case is None


def test_the_weightiest_then_oldest_case_is_joined_and_others_linked() -> None:
    """Whatever the order in which cases are found."""
    found = [
        candidate(7, ("card", "c", 1)),
        candidate(3, ("address", "a", 1)),
        candidate(5, ("card", "c", 1), ("device", "d", 1)),
        candidate(4, ("card", "c", 1), ("device", "d", 1)),
    ]
    for order in (found, found[::-1]):
        place = place_of(alert(), order)
        assert place.case == 4
        assert set(place.links) == {5, 7, 3}


@pytest.mark.parametrize(
    "full",
    [
        candidate(1, ("device", "d", 1), alerts=MOST_ALERTS),
        candidate(1, ("device", "d", 1), accounts=MOST_ACCOUNTS),
        candidate(1, ("device", "d", MOST_PER_SIGN)),
        candidate(1, ("device", "d", 1), opened_ms=DAY - (MOST_DAYS + 1) * DAY),
    ],
)
def test_no_case_swallows_everything(full: Candidate) -> None:
    """A full case takes no more; a complaint about an event of it still finds its way in."""
    assert place_of(alert(), [full]).case is None
    about = Candidate(
        **{**{f: getattr(full, f) for f in full.__struct_fields__}, "is_subject": True}
    )
    assert place_of(alert(kind="complaint"), [about]).case == 1


def test_the_first_route_that_fits_takes_an_alert() -> None:
    """Every condition of a route must hold; what no route is for goes to the last queue."""
    routes = (
        Route(queue="vip", types=("payment.*",), amount_from_minor=1_000, severity="high"),
        Route(queue="bots", tags=("OAT-*",)),
    )
    rich = alert(base_minor=1_000, severity="high")
    assert route_of(rich, (), routes, "rest") == "vip"
    assert route_of(alert(base_minor=999, severity="high"), ("OAT-001",), routes, "rest") == "bots"
    assert route_of(alert(), ("F1",), routes, "rest") == "rest"
    names = {queue.name for queue in QUEUES}
    assert {route.queue for route in ROUTES} <= names


ORDERS = """
[calendar]
time_zone = "Asia/Shanghai"
mon = ["09:00-12:00", "13:00-18:00"]
holidays = [2026-10-01]
[deadline.high]
minutes = 90
[quality]
permille = 20
[[queue]]
name = "all"
en = "All"
zh = "全部"
[[route]]
queue = "all"
severity = "low"
"""


def test_standing_orders_are_read() -> None:
    """What the file names holds, and what it leaves out stays as built in."""
    orders = read_orders(ORDERS)
    assert orders.promises["high"].minutes == 90
    assert orders.promises["low"].minutes == 27 * 60
    assert orders.calendar.of_day(date(2026, 10, 5))[1].end_min == 1080
    assert (orders.rest, orders.sampling.permille) == ("all", 20)


@pytest.mark.parametrize("page", ["docs/cases.md", "docs/zh-CN/cases.md"])
def test_the_orders_in_the_docs_are_right(page: str) -> None:
    """What people copy from there can be used as it is."""
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    orders = read_orders(text.partition("```toml\n")[2].partition("```")[0])
    assert orders.promises["high"].minutes == 120
    assert orders.routes[0].queue == "payments"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"Asia/Shanghai"', '"Asia/Nowhere"'), "calendar.time_zone"),
        (('"09:00-12:00"', '"12:00-09:00"'), "calendar.mon"),
        (("minutes = 90", "minutes = 0"), "deadline.high.minutes: must be a whole number"),
        (("[deadline.high]", "[deadline.urgent]"), "there are low, medium, high, critical"),
        (('queue = "all"', 'queue = "none"'), "route 1.queue: no queue is 'none'; there are all"),
        (('severity = "low"', 'severity = "mild"'), "route 1.severity"),
        (("permille = 20", "permille = 20\nshare = 1"), "unknown name 'share'"),
        (("holidays = [2026-10-01]", 'holidays = ["soon"]'), "write dates"),
        (("[calendar]", "[calendar"), "casework.toml"),
    ],
)
def test_mistaken_orders_are_told_with_their_place(change: tuple[str, str], told: str) -> None:
    """A file with a mistake is refused, and says where and what would be right."""
    with pytest.raises(OrdersError) as error:
        read_orders(ORDERS.replace(*change))
    assert told in str(error.value)


def test_searches_are_read() -> None:
    """Terms, negation, several values, quotes, amounts, durations."""
    found = parse('severity:high,critical -owner:me amount:>=1,500.50 age:<2h card:"a b" u-77 #12')
    assert found == (
        Term("severity", ("high", "critical")),
        Term("owner", ("me",), negated=True),
        Term("amount", op=">=", number=150_050),
        Term("age", op="<", number=7_200_000),
        Term("card", ("a b",)),
        Term("", ("u-77",)),
        Term("", ("#12",)),
    )
    assert parse("  ") == ()


@pytest.mark.parametrize(
    ("text", "place", "known"),
    [
        ("severity:hgh", "hgh", "low, medium, high, critical"),
        ("is:open sev:high", "sev", "severity"),
        ("amount:>many", ">many", "amount:>500"),
        ("age:2h", "2h", "age:<2h, age:>30m"),
        ("left:<2 hours", "<2", "<2h"),
        ('card:"abc', 'card:"abc', ""),
        ("rule:", "rule:", ""),
        ("amount:>NaN", ">NaN", "amount:>500"),
        ("amount:>1e99", ">1e99", "amount:>500"),
    ],
)
def test_mistaken_searches_say_where(text: str, place: str, known: str) -> None:
    """The place of a mistake is that of the words it is about, and what would be right is named."""
    with pytest.raises(SearchError) as error:
        parse(text)
    assert text[error.value.begin : error.value.end] == place
    assert known in error.value.known


@given(
    st.text(max_size=120)
    | st.lists(st.sampled_from([*FIELDS, ":", ">", '"', "-", " ", "1", ","])).map("".join)
)
def test_any_search_is_read_or_refused(text: str) -> None:
    """Nothing people type breaks it, and a refusal points into the text."""
    try:
        parse(text)
    except SearchError as error:
        assert 0 <= error.begin < error.end


def test_who_is_looked_at_again_cannot_be_foreseen_nor_bent() -> None:
    """The same case gives the same answer; the share is what was asked for; another key, another draw."""
    how = Sampling(100, 0)
    drawn = [n for n in range(5_000) if is_drawn(b"a" * 16, n, 1, "fraud", 0, how)]
    assert drawn == [n for n in range(5_000) if is_drawn(b"a" * 16, n, 1, "fraud", 0, how)]
    assert 400 < len(drawn) < 600
    assert drawn != [n for n in range(5_000) if is_drawn(b"b" * 16, n, 1, "fraud", 0, how)]
    assert is_drawn(b"a" * 16, 1, 1, "legitimate", 900, Sampling(0, 900))
    assert not is_drawn(b"a" * 16, 1, 1, "fraud", 900, Sampling(0, 900))


def test_notes_are_text() -> None:
    """Markup stays as it was typed; controls and marks that turn text round are gone."""
    assert notes.cleaned(" <script>x</script>\r\na\x00b\u202ec ") == "<script>x</script>\nabc"
    for bad in ("", " \n\x07", "x" * 10_001):
        with pytest.raises(notes.NoteError):
            notes.cleaned(bad)


def test_whom_a_note_mentions() -> None:
    """Handles that somebody has, each once; addresses and strangers are text."""
    known = notes.handles([("st-1", "Ana Li", "ana@shop.example"), ("st-2", "王 芳", "")])
    assert notes.mentioned("@Ana, @王.芳 and @ana. Not x@ana.example or @nobody", known) == (
        "st-1",
        "st-2",
    )


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.png"),
        ("/abs/olute.php", "olute.png"),
        ("evil.html", "evil.png"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie_ x.png"),
        ("\u202egnp.exe", "gnp.png"),
        ("con.txt", "file_con.png"),
        ("", "file.png"),
        ("....", "file.png"),
        ("截图 1.png", "截图 1.png"),
        ("x" * 500, "x" * 120 + ".png"),
        ('quote".png', "quote_.png"),
    ],
)
def test_names_of_files_are_only_names(name: str, kept: str) -> None:
    """No name leads anywhere, ends a header, or hides what the file is."""
    found = evidence.accepted(name, PNG)
    assert found.name == kept
    headers = evidence.headers_of(found)
    assert headers["content-disposition"].startswith("attachment; ")
    assert headers["x-content-type-options"] == "nosniff"
    assert all("\n" not in value and "\r" not in value for value in headers.values())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"x" * 20, "image/jpeg"),
        (b"%PDF-1.7\n", "application/pdf"),
        ("订单说明\n".encode(), "text/plain"),
        (b"<!DOCTYPE html><script>alert(1)</script>", None),
        (b"\n\n <svg onload=alert(1)>", None),
        (b"MZ\x90\x00\x03", None),
        (b"PK\x03\x04zip", None),
        (b"\x7fELF\x02", None),
        (b"text\x00with null", None),
        (b"\xff\xfe<\x00s\x00", None),
    ],
)
def test_what_a_file_is_its_content_says(content: bytes, kind: str | None) -> None:
    """Pages, programs and archives are refused, whatever they are called."""
    assert evidence.kind_of(content) == kind
    if kind is None:
        with pytest.raises(evidence.EvidenceError):
            evidence.accepted("harmless.png", content)


def test_what_is_too_large_or_nothing_is_refused() -> None:
    """Both ends of the size."""
    for content, wrong in ((b"", "empty"), (PNG + b"\0" * evidence.SIZE_MAX, "too_large")):
        with pytest.raises(evidence.EvidenceError) as error:
            evidence.accepted("a.png", content)
        assert error.value.wrong == wrong


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/", "", "%2e"]
)
def test_no_path_comes_from_outside(digest: str) -> None:
    """Only a digest has a place in the folder of evidence."""
    with pytest.raises(ValueError, match="not the SHA-256"):
        evidence.place_of(digest)
