"""Whatever a file does to whoever reads it, people get words, and the server goes on."""

import io
import multiprocessing
import random
import resource
import threading
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.files.checks import KINDS, check_upload
from amls.files.insides import look_inside
from amls.files.limited.refused import Refused
from amls.files.limited.run import GivenUpError, Limits, StoppedError, read_in_child
from amls.files.limited.slots import NoPlaceError, place
from amls.files.tables.table import read_table
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from lectures.extraction.run import Extracted, read_file
from tests.files import hostile_files
from tests.files.installation import bare_installation
from tests.files.samples import MAKERS, whole
from tests.patience import SECONDS
from tests.races import beside

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parent.parent / "data" / "files"
LIMITS = Limits(seconds=5, memory=2**29, patience=SECONDS)


def judge(name: str, content: bytes) -> str:
    """Return the code with which a file is refused, or nothing."""
    said = None
    try:
        check_upload(io.BytesIO(content), name, size=len(content), max_bytes=10**9)
    except RuleViolation as violation:
        said = violation
    if said is None:
        return ""
    assert f"'{name}'" in str(said.message)
    assert "%(" not in str(said.message)
    return said.code


def bend_and_judge(many: int, seed: int) -> Counter[str]:
    luck, seen = random.Random(seed), Counter[str]()
    for number in range(many):
        suffix = sorted(MAKERS)[number % len(MAKERS)]
        code = judge(f"bent{suffix}", hostile_files.bend(whole(suffix), luck))
        seen[code] += 1
    return seen


def test_every_kind_that_is_taken_is_bent() -> None:
    assert set(MAKERS) == set(KINDS)
    assert [judge(f"whole{suffix}", whole(suffix)) for suffix in MAKERS] == [""] * len(KINDS)


def test_bent_files_are_answered_in_words() -> None:
    seen = bend_and_judge(60, seed=11)
    assert seen.total() == 60
    assert seen[""] < 60
    assert len(seen) > 3


@pytest.mark.odd
def test_two_thousand_bent_files_are_answered_in_words() -> None:
    assert bend_and_judge(2000, seed=12).total() == 2000


@pytest.mark.parametrize(("name", "code"), [("pubsec.pdf", "encrypted"), ("not-implemented.pdf", "not-pdf")])
def test_what_a_reader_does_not_know_is_said(name: str, code: str) -> None:
    assert judge(name, (DATA / name).read_bytes()) == code


@pytest.mark.parametrize("name", hostile_files.BOMBS)
def test_a_bomb_costs_a_bounded_child_and_this_process_nothing(name: str, settings: Settings) -> None:
    settings.CHECK_PATIENCE = 2
    content = hostile_files.BOMBS[name]()

    def measure(said: Connection) -> None:
        # A process of its own: what counts is the largest of all its children, and here that is the one.
        own = resource.getrusage(resource.RUSAGE_SELF)
        judge(name, content)
        mine, spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        said.send((mine.ru_utime - own.ru_utime, spent.ru_utime + spent.ru_stime, spent.ru_maxrss * 1024))

    forked = multiprocessing.get_context("fork")
    heard, said = forked.Pipe(duplex=False)
    process = forked.Process(target=measure, args=[said])
    process.start()
    assert heard.poll(120)
    own_seconds, seconds, memory = heard.recv()
    process.join()
    assert seconds < 2 + 5 + 1
    assert own_seconds < 1
    # Bounded and no core of it left behind.
    assert memory < 2**29 + 2**28


@pytest.mark.parametrize("name", hostile_files.WORKBOOK_BOMBS)
def test_a_bomb_of_a_workbook_costs_a_bounded_child_and_this_process_little(name: str, settings: Settings) -> None:
    settings.CHECK_PATIENCE = 1
    content = hostile_files.workbook_bomb(name)
    children, own = (resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    try:
        code = "" if not read_table(content, []).rows else "rows"
    except RuleViolation as violation:
        code = violation.code
    assert code in {"", "no-sheet", "empty", "too_slow", "too_big", "too-many-cells"}
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert spent.ru_utime + spent.ru_stime - children.ru_utime - children.ru_stime < 2 + 5 + 1
    mine = resource.getrusage(resource.RUSAGE_SELF)
    assert mine.ru_utime - own.ru_utime < 2


def test_a_pdf_may_have_a_mark_before_its_header() -> None:
    assert judge("a.pdf", b"\xef\xbb\xbf" + whole(".pdf")) == ""
    assert judge("a.pdf", b"x" * 1000 + whole(".pdf")) == ""
    assert judge("a.pdf", b"x" * 2000 + whole(".pdf")) == "not-pdf"


@pytest.mark.parametrize("suffix", [".ipynb", ".vtt", ".txt", ".md", ".csv"])
def test_texts_may_have_a_mark(suffix: str) -> None:
    assert judge(f"a{suffix}", b"\xef\xbb\xbf" + whole(suffix)) == ""


def packed(*entries: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            info = zipfile.ZipInfo()
            # As other programs write it: Python's own turns separators.
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            made.writestr(info, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src\\main.py", ""),
        ("src\\inner\\Größe.txt", ""),
        ("a:b.txt", ""),
        ("Vorlesung 12: Größe.txt", ""),
        ("Gro\u0308ße.txt", ""),
        ("山田太郎/レポート.txt", ""),
        ("x" * 5000, ""),
        ("..hidden", ""),
        ("..\\..\\etc\\cron", "zip-path"),
        ("src\\..\\..\\cron", "zip-path"),
        ("\\\\server\\share", "zip-path"),
        ("C:\\Windows\\x", "zip-path"),
        ("C:/x", "zip-path"),
        ("C:..\\x", "zip-path"),
        ("/etc/cron", "zip-path"),
    ],
)
def test_paths_of_any_system_are_read_as_it_means_them(path: str, code: str) -> None:
    assert judge("a.zip", packed((path, b"x"))) == code


@pytest.mark.parametrize("encoding", ["cp437", "cp850", "cp1252", "utf-8"])
def test_names_in_any_encoding_are_taken(encoding: str) -> None:
    name = "Größe.txt".encode(encoding)
    content = packed(("X" * len(name), b"x")).replace(b"X" * len(name), name)
    assert judge("a.zip", content) == ""


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (("folder/", b""),),
        (("__MACOSX/._main.py", b"x"), (".DS_Store", b"x")),
        (("work/.DS_Store", b"x"), ("Thumbs.db", b"x"), ("work\\desktop.ini", b"x"), ("__MACOSX/work/x", b"x")),
    ],
    ids=["nothing", "folder", "macOS", "all"],
)
def test_an_archive_without_a_file_of_ones_own_is_said_to_be_empty(entries: tuple[tuple[str, bytes], ...]) -> None:
    assert judge("a.zip", packed(*entries)) == "empty-archive"
    assert judge("a.zip", packed(*entries, ("work/__init__.py", b""))) == ""


def test_a_small_archive_is_no_bomb_because_it_packs_well() -> None:
    assert judge("a.zip", packed(("main.py", b"print()" * 400), ("weights.bin", bytes(768 * 1024)))) == ""
    assert judge("a.zip", packed(("zeros.npy", bytes(60 * hostile_files.MEGABYTE)))) == ""
    assert judge("a.zip", packed(("zeros.npy", bytes(110 * hostile_files.MEGABYTE)))) == "zip-bomb"


def test_the_short_ending_of_a_tar_archive_is_the_long_one() -> None:
    checked = check_upload(io.BytesIO(whole(".tar.gz")), "a.TGZ", size=1, max_bytes=10, allowed={".tar.gz"})
    assert (checked.filename, checked.suffix) == ("a.TGZ", ".tar.gz")


def read(function: str, limits: Limits = LIMITS, content: bytes = b"", **values: object) -> list[object]:
    said: list[object] = []
    read_in_child(
        f"tests.files.child_functions:{function}",
        io.BytesIO(content),
        values=values,
        limits=limits,
        on_line=said.append,
    )
    return said


def test_a_function_in_the_limited_child_gets_file_and_values_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    (said,) = read("look", content=b"Hello", value="Ștefan")
    assert said == ["Hello", "Ștefan", ["LC_ALL", "PATH"], False]


@pytest.mark.parametrize(
    ("function", "problem"),
    [("spin", "too_slow"), ("sleep", "too_slow"), ("grow", "too_big"), ("talk", "too_big"), ("fall", "broken"),
     ("end", "broken"), ("write", "broken")],
)  # fmt: skip
def test_the_child_is_stopped_when_it_takes_too_much(function: str, problem: str) -> None:
    with pytest.raises(StoppedError) as caught:
        # Only who uses no processor is stopped by the clock.
        patience = 2 if function == "sleep" else SECONDS
        read(function, Limits(seconds=2, memory=2**28, says=2**20, patience=patience))
    assert caught.value.problem == problem


@pytest.fixture
def bare(settings: Settings, tmp_path: Path) -> Path:
    """An installation in which the child finds nothing that reads a file."""
    settings.BASE_DIR = bare_installation(tmp_path)
    return tmp_path


def test_bytecode_that_is_lacking_is_written_whole_or_not_at_all(bare: Path) -> None:
    """As where packages were installed without, or copied: Python keeps what fits under a limit, and can't read it."""
    wide = "".join(f"NUMBER_{number} = {number}.5\n" for number in range(10_000))
    first = "def tell(file):\n    import second\n    yield NUMBER_9999 + second.NUMBER_1\n"
    (bare / "first.py").write_text(wide + first)
    (bare / "second.py").write_text(wide)
    for _each in range(2):
        said: list[object] = []
        read_in_child("first:tell", io.BytesIO(), values={}, limits=LIMITS, on_line=said.append)
        assert said == [10001.0]
    assert [path.name for path in bare.glob("__pycache__/second.*")] == []


def test_a_file_is_not_blamed_for_what_the_installation_lacks(bare: Path) -> None:
    said, pdf = "nothing is wrong with the file", whole(".pdf")
    with pytest.raises(RuleViolation, match=said) as caught:
        check_upload(io.BytesIO(pdf), "work.pdf", size=len(pdf), max_bytes=10**9)
    assert caught.value.code == "unable"
    with pytest.raises(RuleViolation, match=said):
        look_inside(io.BytesIO(pdf), suffix=".pdf")
    with pytest.raises(RuleViolation, match=said):
        read_table(hostile_files.workbook_bomb(hostile_files.WORKBOOK_BOMBS[0]), [])
    with pytest.raises(CourseFileError) as refused:
        read_source(
            hostile_files.office_bomb(hostile_files.OFFICE_BOMBS[0], hostile_files.TEXTS["docx"]), name="x.docx"
        )
    assert said in refused.value.problems[0]


def test_the_child_says_no_with_a_reason() -> None:
    with pytest.raises(Refused) as caught:
        read("refuse")
    assert (caught.value.code, caught.value.values) == ("because", {"path": "Größe"})


def test_whoever_gives_up_leaves_no_child() -> None:
    # Such as the browser of other tests.
    others = psutil.Process().children()
    with pytest.raises(GivenUpError):
        read_in_child(
            "tests.files.child_functions:sleep",
            io.BytesIO(),
            values={},
            limits=LIMITS,
            on_line=print,
            goes_on=lambda: False,
        )
    assert psutil.Process().children() == others


def test_places_are_counted_over_all_who_ask(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    with place("few", most=2, patience=0), place("few", most=2, patience=0):
        with pytest.raises(NoPlaceError), place("few", most=2, patience=0):
            pass
        with place("others", most=1, patience=0):
            pass
    with place("few", most=2, patience=0):
        pass


def test_a_place_that_becomes_free_is_taken(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    is_held, may_go, order = threading.Event(), threading.Event(), []

    def hold() -> None:
        with place("one", most=1, patience=0):
            is_held.set()
            may_go.wait(SECONDS)
            order.append("first")

    with beside(hold):
        is_held.wait(SECONDS)
        may_go.set()
        with place("one", most=1, patience=SECONDS):
            order.append("second")
    assert order == ["first", "second"]


def test_who_finds_no_place_is_told_or_may_wait(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.CHECKS_AT_ONCE, settings.CHECK_PATIENCE = tmp_path, 1, 0
    with place("requests", most=1, patience=0):
        assert judge("a.zip", whole(".zip")) == "busy"
        kept = check_upload(io.BytesIO(b"x"), "a.zip", size=1, max_bytes=9, may_wait=True)
    assert (kept.is_judged, kept.content_type) == (False, "application/zip")


def spent_by_children(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of processor time that reading cost in children, and in this process."""
    before = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    act()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    children, own = (
        later.ru_utime + later.ru_stime - earlier.ru_utime - earlier.ru_stime
        for earlier, later in zip(before, after, strict=True)
    )
    return children, own


@pytest.mark.parametrize("name", hostile_files.OFFICE_BOMBS)
def test_a_bomb_of_a_document_is_read_within_bounds_or_refused_in_words(name: str, settings: Settings) -> None:
    settings.CHECK_PATIENCE = 2
    content, said = hostile_files.office_bomb(name, hostile_files.TEXTS["docx"]), list[str]()

    def read() -> None:
        try:
            said.append(str(read_source(content, name="x.docx").rows))
        except CourseFileError as error:
            said.extend(error.problems)

    children, own = spent_by_children(read)
    assert (children < 4 + 5 + 1, own < 2) == (True, True)
    assert said
    assert "root:" not in "".join(said)


@pytest.mark.parametrize("name", hostile_files.OFFICE_BOMBS)
def test_a_bomb_of_a_presentation_is_read_within_bounds(name: str, tmp_path: Path) -> None:
    file, folder = tmp_path / "x.pptx", tmp_path / "pictures"
    file.write_bytes(hostile_files.office_bomb(name, hostile_files.TEXTS["pptx"]))
    folder.mkdir()
    extracted: list[Extracted] = []

    def read() -> None:
        extracted.append(
            read_file(file, kind="pptx", folder=folder, most=50, limits=LIMITS, on_progress=lambda *_pages: True)
        )

    children, own = spent_by_children(read)
    assert (children < 5 + 2, own < 2) == (True, True)
    assert "root:" not in str(extracted[0].pages)
