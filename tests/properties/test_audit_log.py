"""Requirements 5.1, 5.4 and 5.5: what is in the audit log stays there, and nobody changes it unnoticed."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.clock import ManualClock
from steadyhand.evidence.audit_chain import HEAD, Verification, log_files, verify
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended
from steadyhand.model.parameters import SecretSource
from steadyhand.model.workflow import Secret

COUNT = 12
LIMITS = Limits(file_bytes=900)

texts = st.text(st.characters(codec=None), max_size=30)


def write(folder: Path, steps: list[str], limits: Limits | None = None) -> None:
    """Write a log with one record for each step."""
    with AuditLog(folder, ManualClock(), limits) as log:
        for step in steps:
            log.append(Intended(workflow="pay", step=step, action="click"))


@cache
def a_log() -> dict[str, bytes]:
    """The files of a log: the head, and three with records."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), [f"step {number}" for number in range(COUNT)], LIMITS)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert len(files) == 4
    return files


def found_in(files: dict[str, bytes]) -> Verification:
    """What is found when these are the files of a log."""
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in files.items():
            (Path(folder) / name).write_bytes(raw)
        return verify(Path(folder))


def seen(files: dict[str, bytes]) -> bool:
    """Whether it is seen that these are not the files of the log as it was written."""
    found = found_in(files)
    return not found.is_sound or found.torn_bytes > 0


def lines() -> list[tuple[str, bytes]]:
    """Every record of the log, with the file in which it stands."""
    return [(name, line) for name, raw in a_log().items() if name != HEAD for line in raw.splitlines(keepends=True)]


def rebuilt(records: list[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files of a log with these records."""
    files = {name: b"" for name in a_log() if name != HEAD} | {HEAD: a_log()[HEAD]}
    for name, line in records:
        files[name] += line
    return files


@st.composite
def harmed(draw: st.DrawFn) -> dict[str, bytes]:
    """The log with one byte changed, removed or inserted."""
    files = dict(a_log())
    name = draw(st.sampled_from(sorted(files)))
    raw, place, byte = files[name], draw(st.integers(0, 10**6)), draw(st.integers(0, 255))
    place %= len(raw)
    new = bytes([byte])
    match draw(st.sampled_from(["change", "remove", "insert", "append"])):
        case "change":
            new = bytes([raw[place] ^ (byte or 1)])
            files[name] = raw[:place] + new + raw[place + 1 :]
        case "remove":
            files[name] = raw[:place] + raw[place + 1 :]
        case "insert":
            files[name] = raw[:place] + new + raw[place:]
        case _:
            files[name] = raw + new
    return files


def test_5_4_the_log_itself_is_sound() -> None:
    """What the other properties harm is sound before."""
    assert not seen(dict(a_log()))
    assert found_in(dict(a_log())).last.number == COUNT
    assert rebuilt(lines()) == a_log()


@given(harmed())
def test_5_4_each_byte_counts(files: dict[str, bytes]) -> None:
    """A byte that was changed, removed or inserted, anywhere in any file, is seen."""
    assert seen(files)


@given(st.integers(0, COUNT - 1))
def test_5_4_a_removed_record_is_seen(place: int) -> None:
    """Also the first one, and the last one."""
    records = lines()
    del records[place]
    assert not found_in(rebuilt(records)).is_sound


@given(st.integers(0, COUNT - 1), st.integers(1, COUNT))
def test_5_4_a_cut_is_seen(begin: int, length: int) -> None:
    """Records that were removed in a row are seen, with their files or without."""
    records = lines()
    del records[begin : begin + length]
    files = rebuilt(records)
    assert not found_in(files).is_sound
    assert not found_in({name: raw for name, raw in files.items() if raw}).is_sound


@given(st.lists(st.integers(0, COUNT - 1), min_size=2, max_size=2, unique=True))
def test_5_4_swapped_records_are_seen(places: list[int]) -> None:
    """Two records that changed their places are seen."""
    records = lines()
    one, other = places
    records[one], records[other] = (records[one][0], records[other][1]), (records[other][0], records[one][1])
    assert not found_in(rebuilt(records)).is_sound


@given(st.integers(0, COUNT), st.integers(0, COUNT - 1))
def test_5_4_an_inserted_record_is_seen(place: int, what: int) -> None:
    """A record that stands where none was written is seen, be it a copy of a good one."""
    records = lines()
    name = records[min(place, COUNT - 1)][0]
    records.insert(place, (name, records[what][1]))
    assert not found_in(rebuilt(records)).is_sound


@given(st.integers(0, COUNT - 1), st.sampled_from(["step", "written_at"]))
def test_5_4_a_forged_record_is_seen(place: int, word: str) -> None:
    """A record that says something else in the right form is seen."""
    records = lines()
    name, line = records[place]
    forged = json.dumps({**json.loads(line), word: "forged"}, separators=(",", ":")).encode() + b"\n"
    records[place] = (name, forged)
    assert not found_in(rebuilt(records)).is_sound


@given(st.lists(texts, min_size=1, max_size=4), st.data())
def test_5_4_a_torn_end_loses_no_whole_record(steps: list[str], data: st.DataObject) -> None:
    """Wherever a write is cut off, every record before it stays, the rest is taken away, and that is told."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, steps)
        head, whole = (folder / HEAD).read_bytes(), log_files(folder)[0].read_bytes()
        write(folder, ["the last one"])
        raw = log_files(folder)[0].read_bytes()
        size_bytes = data.draw(st.integers(len(whole), len(raw)))
        log_files(folder)[0].write_bytes(raw[:size_bytes])
        (folder / HEAD).write_bytes(head)  # it was killed before it could say that anything was kept
        assert verify(folder).torn_bytes == (size_bytes - len(whole) if size_bytes < len(raw) else 0)
        write(folder, ["after it"])
        records = [json.loads(line) for line in log_files(folder)[0].read_bytes().splitlines()]
        assert log_files(folder)[0].read_bytes().startswith(whole)
        assert not seen({path.name: path.read_bytes() for path in folder.iterdir()})
        kinds = [each["kind"] for each in records[len(steps) :]]
        torn = len(whole) < size_bytes < len(raw)
        assert kinds == (["repair", "intent"] if torn else ["intent"] * (2 if size_bytes == len(raw) else 1))


@given(st.lists(texts, max_size=12), st.integers(200, 2000))
def test_5_1_what_was_appended_is_what_is_read(steps: list[str], file_bytes: int) -> None:
    """Nothing is lost, doubled, reordered or changed, whatever the texts and however often a file is begun."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for begin in range(0, len(steps), 5):
            write(folder, steps[begin : begin + 5], Limits(file_bytes=file_bytes))
        read = [json.loads(line) for path in log_files(folder) for line in path.read_bytes().splitlines()]
        written = [step.encode("utf-8", "replace").decode() for step in steps]
        assert [each.get("step", "") for each in read] == written
        assert not steps or verify(folder).is_sound


@settings(max_examples=25)  # each writes dozens of files to the disk, synced
@given(st.integers(1, 60), st.integers(300, 1500), st.integers(500, 5000))
def test_5_5_retention_leaves_a_sound_log(count: int, file_bytes: int, kept_bytes: int) -> None:
    """Whatever is removed, the rest is whole, its end is there, and it is not much more than was asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, [str(number) for number in range(count)], Limits(file_bytes=file_bytes, kept_bytes=kept_bytes))
        found = verify(folder)
        assert found.problems == ()
        assert found.last.number >= count
        read = [json.loads(line) for path in log_files(folder) for line in path.read_bytes().splitlines()]
        steps = [int(each["step"]) for each in read if each["kind"] == "intent"]
        assert steps == list(range(count))[count - len(steps) :]
        assert sum(path.stat().st_size for path in log_files(folder)) < kept_bytes + 2 * file_bytes + 1000


@given(texts.filter(lambda text: len(text) >= 3 and text.isprintable()), texts, texts)
def test_5_5_a_secret_is_nowhere(secret: str, before: str, after: str) -> None:
    """Whatever a secret is and wherever it stands in a text, no file of the log has it, in any of its forms."""
    source = SecretSource({"pin": Secret(env="PIN")}, {"PIN": secret})
    source.fetch("pin")
    with tempfile.TemporaryDirectory() as name:
        with AuditLog(Path(name), ManualClock()) as log, log.hiding(source.hide):
            log.append(Intended(workflow="w", step=before + secret + after, action=json.dumps(secret)))
        (line,) = log_files(Path(name))[0].read_bytes().splitlines()
        said = json.loads(line)
        assert secret not in said.get("step", "")
        assert secret not in said["action"]
