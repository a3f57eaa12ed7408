"""Workflow files: what is accepted, how every mistake is told, how files are written."""

from __future__ import annotations

import stat
import subprocess
import sys
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

from steadyhand.errors import WorkflowError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import (
    BrowserScreen,
    ClickStep,
    KeysStep,
    Landmark,
    Parameter,
    Secret,
    SimulatedScreen,
    SqlEffect,
    SqlShows,
    TargetRecord,
    TextAppears,
    TypeStep,
    Workflow,
)
from steadyhand.model.workflow_file import (
    LARGEST_BYTES,
    load_landmarks,
    load_workflow,
    save_landmarks,
    save_workflow,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = """\
steadyhand: 1
name: Approve an invoice
screen: {kind: browser, url: "http://localhost:8000"}
params:
  who: {default: Ada}
secrets:
  password: {env: PASSWORD}
steps:
  - id: save
    action: click
    target: {screen: images/screen.png, point: [20, 30], box: [10, 20, 100, 50]}
"""
"""A workflow with nothing wrong, to which the tests add steps."""


def problems_of(folder: Path, text: str) -> list[str]:
    """What is wrong with a workflow file that says this."""
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkflowError) as caught:
        load_workflow(path)
    assert str(caught.value).startswith(f"{path} cannot be run; ")
    return list(caught.value.problems)


def step(text: str) -> str:
    """The good workflow, with one more step; it begins on line 12."""
    first, *rest = dedent(text).strip().splitlines()
    return GOOD + indent("\n".join([f"- {first}", *(f"  {line}" for line in rest)]), "  ") + "\n"


def test_a_good_file_is_read(folder: Path) -> None:
    """Each part of a file arrives where it belongs; what is not written has its default."""
    path = folder / "flow.yaml"
    path.write_text(step("id: who\naction: type\ntext: '{{who}}'\n"), encoding="utf-8-sig")
    workflow = load_workflow(path)
    target = TargetRecord(screen="images/screen.png", point=Point(20, 30), box=Box(10, 20, 100, 50))
    assert workflow == Workflow(
        steadyhand=1,
        name="Approve an invoice",
        screen=BrowserScreen(url="http://localhost:8000"),
        params={"who": Parameter(default="Ada")},
        secrets={"password": Secret(env="PASSWORD")},
        steps=(
            ClickStep(id="save", action="click", target=target),
            TypeStep(id="who", action="type", text="{{who}}"),
        ),
    )


def test_a_file_reads_as_a_person_would_write_it(folder: Path) -> None:
    """What is written is in a fixed order, short, and without what goes without saying."""
    target = TargetRecord(
        screen="images/screen.png",
        point=Point(20, 30.5),
        box=Box(10, 20, 100, 50),
        text="Pay",
    )
    workflow = Workflow(
        steadyhand=1,
        name="Pay",
        screen=BrowserScreen(url="http://localhost/{{who}}", width=800),
        params={"who": Parameter(note="The customer")},
        steps=(
            ClickStep(
                id="pay",
                note="Pay it",
                action="click",
                irreversible=True,
                target=target,
                count=2,
                timeout_s=5,
                expect=(
                    TextAppears(text_appears="Paid"),
                    SqlShows(sql=SqlEffect(database="sqlite:///x.db", query="select 1", shows="1")),
                ),
            ),
            KeysStep(id="close", action="keys", keys="Alt+F4"),
        ),
    )
    save_workflow(workflow, folder / "flow.yaml")
    written = (folder / "flow.yaml").read_text(encoding="utf-8")
    comment, _, rest = written.partition("\n\n")
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert rest == dedent("""\
        steadyhand: 1
        name: Pay
        screen:
          kind: browser
          url: 'http://localhost/{{who}}'
          width: 800
        params:
          who:
            note: The customer

        steps:
          - id: pay
            action: click
            note: Pay it
            irreversible: true
            target:
              text: Pay
              screen: images/screen.png
              box: [10, 20, 100, 50]
              point: [20, 30.5]
            count: 2
            timeout_s: 5
            expect:
              - text_appears: Paid
              - sql:
                  database: sqlite:///x.db
                  query: select 1
                  shows: '1'

          - id: close
            action: keys
            keys: Alt+F4
        """)
    assert load_workflow(folder / "flow.yaml") == workflow


def test_landmarks_lie_beside_their_image(folder: Path) -> None:
    """What is written on a screen is one line for each text, in a file of its own."""
    image = folder / "images" / "screen.png"
    assert load_landmarks(image) is None
    landmarks = (Landmark(text="Invoice, 2026", box=Box(1, 2, 3, 4)), Landmark(text="12", box=Box(1, 20, 3, 4)))
    save_landmarks(landmarks, image)
    written = (folder / "images" / "screen.landmarks.yaml").read_text(encoding="utf-8")
    comment, _, rest = written.partition("\n\n")
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert rest == dedent("""\
        landmarks:
          - {text: 'Invoice, 2026', box: [1, 2, 3, 4]}
          - {text: '12', box: [1, 20, 3, 4]}
        """)
    assert load_landmarks(image) == landmarks


def test_a_screen_may_have_no_landmarks(folder: Path) -> None:
    """Nothing is written on an empty screen, which is something else than not to know."""
    image = folder / "images" / "screen.png"
    save_landmarks((), image)
    assert load_landmarks(image) == ()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("landmarks: [{text: '', box: [1, 1, 9, 9]}]", 'line 1: landmarks[0].text is ""; it must not be empty'),
        ("landmarks:\n  - {text: A, box: [1, 1, 9]}", "line 2: landmarks[0].box is [1, 1, 9]; it must be [x, y, width"),
        ("landmarks: []\nlandmark: []", "line 2: landmark: there is no such key; did you mean landmarks?"),
        ("", "it holds no `landmarks`"),
        ("- a", "it holds no `landmarks`"),
        ("landmarks: {", "line 1: this is not YAML"),
        (b"\xff", "images/screen.landmarks.yaml is no landmark file: it is not a text file in UTF-8."),
    ],
)
def test_a_mistake_in_landmarks_is_told(content: str | bytes, problem: str, folder: Path) -> None:
    """A workflow is not run with landmarks that cannot be read: what they tell apart would be taken for the same."""
    path = folder / "images" / "screen.landmarks.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "flow.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(WorkflowError) as caught:
        load_workflow(folder / "flow.yaml")
    (told,) = caught.value.problems
    assert told.startswith("images/screen.landmarks.yaml: ")
    assert problem in told


def test_landmarks_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    """A file where a folder is needed ends in one sentence."""
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(WorkflowError, match="cannot be written"):
        save_landmarks((), tmp_path / "images" / "screen.png")


def test_text_is_never_mistaken_for_the_layout(folder: Path) -> None:
    """A note that looks like the beginning of a step stays a note."""
    workflow = Workflow(
        steadyhand=1,
        name="steps:\n\n  - id: x",
        screen=SimulatedScreen(kind="simulated"),
        steps=(KeysStep(id="a", action="keys", keys="Enter", note="one\n  - id: two\nsteps:\n\nthree"),),
    )
    save_workflow(workflow, folder / "flow.yaml")
    assert load_workflow(folder / "flow.yaml") == workflow


def test_a_file_that_cannot_be_written_is_told_and_left_alone(folder: Path) -> None:
    """Where a folder is in the way nothing is written, and the sentence says so."""
    (folder / "flow.yaml").mkdir()
    workflow = Workflow(
        steadyhand=1,
        name="x",
        screen=SimulatedScreen(kind="simulated"),
        steps=(KeysStep(id="a", action="keys", keys="Enter"),),
    )
    with pytest.raises(WorkflowError, match="cannot be written: Is a directory"):
        save_workflow(workflow, folder / "flow.yaml")
    assert sorted(path.name for path in folder.iterdir()) == ["flow.yaml", "images"]


def test_braces_on_a_recorded_screen_are_no_parameters(folder: Path) -> None:
    """What was read off a screen is kept as it is, even where it looks like a parameter."""
    target = "{screen: images/screen.png, point: [5, 5], box: [1, 1, 9, 9], text: 'Dear {{name}}'}"
    (folder / "flow.yaml").write_text(step(f"id: b\naction: click\ntarget: {target}"), encoding="utf-8")
    recorded = load_workflow(folder / "flow.yaml").steps[1]
    assert isinstance(recorded, ClickStep)
    assert recorded.target.text == "Dear {{name}}"


# --------------------------------------------------------------------------------------------- one mistake, one line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "id: b\naction: clik",
            'line 13: steps[1] (b).action is "clik"; did you mean click? Allowed: click, type, keys,',
        ),
        ("id: b", "line 12: steps[1] (b).action is missing"),
        ("action: keys\nkeys: Enter", "line 12: steps[1].id is missing"),
        ("id: a b\naction: keys\nkeys: Enter", 'line 12: steps[1] (a b).id is "a b"; it must be at most 80 letters'),
        ("id: save\naction: keys\nkeys: Enter", "line 12: steps[1] (save).id: save is already the id of steps[0]"),
        ("id: b\naction: keys\nkeys: ctrl+s", 'line 14: steps[1] (b).keys is "ctrl+s"; it must be a key chord such as'),
        ("id: b\naction: keys", "line 12: steps[1] (b).keys is missing"),
        (
            "id: b\naction: keys\nkeys: Enter\nkey: Tab",
            "line 15: steps[1] (b).key: there is no such key; did you mean keys? Allowed: id, action, note, irrever",
        ),
        (
            "id: b\naction: type",
            "line 12: steps[1] (b): it must have either `text` or `secret`",
        ),
        ("id: b\naction: type\ntext: 12", 'line 14: steps[1] (b).text is 12; it must be text, in quotes: "12"'),
        ("id: b\naction: type\nsecret: no", "line 14: steps[1] (b).secret: no is not defined; `secrets` has password"),
        (
            "id: b\naction: type\ntext: '{{no}}'",
            "line 14: steps[1] (b).text: there is no parameter no; `params` has who",
        ),
        (
            "id: b\naction: type\ntext: '{{password}}'",
            "line 14: steps[1] (b).text: password is a secret; only `secret: password` of a type step may use it",
        ),
        ("id: b\naction: scroll\ndy: far", 'line 14: steps[1] (b).dy is "far"; it must be a number'),
        ("id: b\naction: scroll\ndy: .inf", 'line 14: steps[1] (b).dy is ".inf"; it must be a number'),
        (
            "id: b\naction: scroll\nat: [1, 2, 3]",
            "line 14: steps[1] (b).at is [1, 2, 3]; it must be [x, y]: two numbers",
        ),
        (
            "id: b\naction: scroll\nat: [1, true]",
            "line 14: steps[1] (b).at is [1, true]; it must be [x, y]: two numbers",
        ),
        ("id: b\naction: scroll\ntimeout_s: 0", "line 14: steps[1] (b).timeout_s is 0; it must be more than 0"),
        (
            "id: b\naction: scroll\nirreversible: often",
            'line 14: steps[1] (b).irreversible is "often"; it must be true or',
        ),
        ("id: b\naction: wait_for\nexpect: []", "line 14: steps[1] (b).expect is []; it needs at least one entry"),
        ("id: b\naction: wait_for\nexpect: soon", 'line 14: steps[1] (b).expect is "soon"; it must be a list'),
        (
            "id: b\naction: wait_for\nexpect:\n  - text_apears: x",
            "line 15: steps[1] (b).expect[0].text_apears: there is no such expectation; did you mean text_appears?",
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - {text_gone: x, url: y}",
            'line 15: steps[1] (b).expect[0] is {"text_gone": "x", "url": "y"}; it must have exactly one of these keys',
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - field_shows: x",
            "line 15: steps[1] (b).expect[0].field_shows: it needs a step that has a target, the field",
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - sql: {database: 'x:', query: 'drop table x', shows: ''}",
            'line 15: steps[1] (b).expect[0].sql.query is "drop table x"; it must be one query that reads',
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - sql: {database: 'x:', query: 'select :no, :who', shows: ''}",
            "line 15: steps[1] (b).expect[0].sql.query: there is no parameter no; `params` has who",
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - sql: {database: 'x:', query: 'select {{who}}', shows: ''}",
            "line 15: steps[1] (b).expect[0].sql.query: a query takes values by name; write :who",
        ),
        (
            "id: b\naction: wait_for\nexpect:\n  - http: {get: 'x', status: 1000}",
            "line 15: steps[1] (b).expect[0].http.status is 1000; it must be at most 599",
        ),
        ("7", "line 12: steps[1] is 7; it must be a mapping"),
    ],
)
def test_a_mistake_in_a_step_is_told(text: str, problem: str, folder: Path) -> None:
    """A step with one mistake gives one sentence: its line, the field, the value and what is allowed."""
    (found,) = problems_of(folder, step(text))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{screen: images/screen.png, point: [5, 5]}", "line 14: steps[1] (b).target.box is missing"),
        (
            "{screen: images/screen.png, point: [5, 5], box: [0, 0, 10]}",
            "line 14: steps[1] (b).target.box is [0, 0, 10]; it must be [x, y, width, height]: four numbers",
        ),
        (
            "{screen: images/screen.png, point: [5, 5], box: [0, 0, 10, 0]}",
            "line 14: steps[1] (b).target.box is [0, 0, 10, 0]; it must be [x, y, width, height]: four numbers",
        ),
        (
            "{screen: images/screen.png, point: [25, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.point: [25, 5] lies outside of the box [0, 0, 10, 10]",
        ),
        (
            "{screen: images/screen.png, point: [395, 5], box: [390, 0, 20, 10]}",
            "line 14: steps[1] (b).target.box: [390, 0, 20, 10] lies outside of its image, 400x300 pixels",
        ),
        (
            "{screen: images/none.png, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: images/none.png does not exist",
        ),
        (
            "{screen: images, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: images cannot be read: Is a directory",
        ),
        (
            "{screen: flow.yaml, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: flow.yaml cannot be read: not a PNG",
        ),
        (
            "{screen: images/cut.png, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: images/cut.png cannot be read: a PNG that is cut off",
        ),
        (
            "{screen: ../secret.png, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: ../secret.png lies outside of the folder of this file",
        ),
        (
            "{screen: /etc/passwd, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: /etc/passwd lies outside of the folder of this file",
        ),
        (
            "{screen: images/link.png, point: [5, 5], box: [0, 0, 10, 10]}",
            "line 14: steps[1] (b).target.screen: images/link.png lies outside of the folder of this file",
        ),
        (
            '{screen: "images/\\0.png", point: [5, 5], box: [0, 0, 10, 10]}',
            "line 14: steps[1] (b).target.screen: images/\0.png cannot be read: embedded null byte",
        ),
        ("the button", 'line 14: steps[1] (b).target is "the button"; it must be a mapping (`name: value`)'),
    ],
)
def test_a_mistake_in_a_target_is_told(
    target: str, problem: str, folder: Path, make_png: Callable[[int, int], bytes]
) -> None:
    """A target that is not on its image, or whose image cannot be used, gives one sentence."""
    outside = folder.parent / "secret.png"
    outside.write_bytes(make_png(400, 300))
    (folder / "images" / "cut.png").write_bytes(make_png(400, 300)[:-1])
    (folder / "images" / "link.png").symlink_to(outside)
    (found,) = problems_of(folder, step(f"id: b\naction: click\ntarget: {target}"))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("steadyhand: 1\n", "", "line 1: steadyhand is missing"),
        ("steadyhand: 1", "steadyhand: 0", "line 1: steadyhand is 0; it must be 1"),
        ("kind: browser, ", "", "line 3: screen.kind is missing"),
        (
            "kind: browser",
            "kind: brouser",
            'line 3: screen.kind is "brouser"; did you mean browser? Allowed: browser, simul',
        ),
        ('url: "http://localhost:8000"', "width: 100", "line 3: screen.url is missing"),
        (
            "kind: browser, ",
            "kind: browser, with: 9, ",
            "line 3: screen.with: there is no such key; did you mean width?",
        ),
        ("kind: browser, ", "kind: browser, scale: 9, ", "line 3: screen.scale is 9; it must be at most 4"),
        (
            "kind: browser, ",
            "kind: browser, width: 800.5, ",
            "line 3: screen.width is 800.5; it must be a whole number",
        ),
        (
            "who: {default: Ada}",
            "who: {default: 7}",
            'line 5: params.who.default is 7; it must be text, in quotes: "7"',
        ),
        (
            "who: {default: Ada}",
            "1st: {default: Ada}",
            "line 5: params.1st: the name must be at most 80 letters, digits",
        ),
        ("who: {default: Ada}", "who: {}", "line 5: params.who: nothing uses it, and every run would have to give it"),
        ("who: {default: Ada}", "password: {default: x}", "line 5: params.password: a secret has the same name"),
        ("{env: PASSWORD}", "{}", "line 7: secrets.password: it must name where it comes from: `env`, `keyring`"),
        ("{env: PASSWORD}", "{keyring: x}", 'line 7: secrets.password.keyring is "x"; it must be `service/user`'),
        ("name: A", "name: &A A", ""),
        ("name: A", "nmae: A", "line 2: nmae: there is no such key; did you mean name?"),
        ("steps:", "name: B\nsteps:", "line 8: the key name is given twice, first on line 2"),
    ],
)
def test_a_mistake_outside_of_the_steps_is_told(before: str, after: str, problem: str, folder: Path) -> None:
    """A mistake in the screen, the parameters or the secrets gives a sentence of its own."""
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    if problem:
        assert any(found.startswith(problem) for found in problems_of(folder, text)), problems_of(folder, text)
    else:
        (folder / "flow.yaml").write_text(text, encoding="utf-8")
        load_workflow(folder / "flow.yaml")


def test_a_simulated_screen_has_a_title_but_no_address(folder: Path) -> None:
    """What a screen cannot show may not be expected of it."""
    text = step("id: b\naction: wait_for\nexpect:\n  - {title: Orders}\n  - {url: x}")
    text = text.replace('{kind: browser, url: "http://localhost:8000"}', "{kind: simulated}")
    assert problems_of(folder, text) == ["line 16: steps[1] (b).expect[1].url: a simulated screen has no address"]


@pytest.mark.parametrize("given", ["", "\ntext: a\nsecret: password"])
def test_where_a_text_comes_from_is_told_with_the_other_mistakes_of_its_step(given: str, folder: Path) -> None:
    """A step that types nothing, or two things, is told so although something else is wrong with it, too."""
    problems = problems_of(folder, step(f"id: b\naction: type\nclear: often{given}"))
    assert problems == [
        "line 12: steps[1] (b): it must have either `text` or `secret`",
        'line 14: steps[1] (b).clear is "often"; it must be true or false',
    ]


def test_where_a_secret_comes_from_is_told_with_its_other_mistakes(folder: Path) -> None:
    """A secret without a source is told so although its note is wrong, too."""
    problems = problems_of(folder, GOOD.replace("{env: PASSWORD}", "{note: 3}"))
    assert sorted(problems) == [
        'line 7: secrets.password.note is 3; it must be text, in quotes: "3"',
        "line 7: secrets.password: it must name where it comes from: `env`, `keyring` or both",
    ]


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    """Mistakes of every kind in one file are all listed, in the order of their lines."""
    text = step(
        "id: save\naction: click\nbuton: left\ntarget: {screen: no.png, point: [1], box: [1, 1, 5, 5]}\nnote: *x"
    )
    text = text.replace("default: Ada", "default: 1")
    assert [problem.split(";")[0] for problem in problems_of(folder, text)] == [
        "line 5: params.who.default is 1",
        "line 12: steps[1] (save).id: save is already the id of steps[0]",
        "line 14: steps[1] (save).buton: there is no such key",
        "line 15: steps[1] (save).target.point is [1]",
        "line 15: steps[1] (save).target.screen: no.png does not exist",
        "line 16: `*x` is not read",
        "line 16: steps[1] (save).note is null",
    ]


# --------------------------------------------------------------------------------------- what is no workflow at all


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "flow.yaml is empty."),
        (b"# only a comment\n", "flow.yaml is empty."),
        (b"- a\n- b\n", "flow.yaml is no workflow: it holds no `name: value` pairs."),
        (b"hello", "flow.yaml is no workflow: it holds no `name: value` pairs."),
        (b"\x89PNG\r\n\x1a\n\0\0", "flow.yaml is no workflow: it is not a text file in UTF-8."),
        ("name: Jose".encode("utf-16"), "flow.yaml is no workflow: it is not a text file in UTF-8."),
        (b"x" * (LARGEST_BYTES + 1), "flow.yaml is no workflow: it has more than 5 megabytes."),
        (
            b"steadyhand: 2\nfuture: 1\n",
            "is written in version 2 of the workflow format; this Steadyhand reads version 1.",
        ),
    ],
)
def test_what_is_no_workflow_is_told_in_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    """A file that is no workflow of this release gets one sentence, not a list."""
    (tmp_path / "flow.yaml").write_bytes(content)
    with pytest.raises(WorkflowError) as caught:
        load_workflow(tmp_path / "flow.yaml")
    assert sentence in caught.value.message
    assert caught.value.problems == ()


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    """A path that leads to nothing, or to a folder, gets one sentence."""
    with pytest.raises(WorkflowError, match=r"There is no file .*none\.yaml"):
        load_workflow(tmp_path / "none.yaml")
    with pytest.raises(WorkflowError, match="is a folder"):
        load_workflow(tmp_path)


def test_written_files_can_be_read_by_others(folder: Path) -> None:
    """A workflow file has the rights of an ordinary file, and no temporary file stays behind."""
    workflow = Workflow(
        steadyhand=1,
        name="x",
        screen=SimulatedScreen(kind="simulated"),
        steps=(KeysStep(id="a", action="keys", keys="Enter"),),
    )
    save_workflow(workflow, folder / "new" / "flow.yaml")
    assert stat.S_IMODE((folder / "new" / "flow.yaml").stat().st_mode) & stat.S_IRGRP
    assert [path.name for path in (folder / "new").iterdir()] == ["flow.yaml"]


def test_reading_a_workflow_loads_no_image_library(folder: Path) -> None:
    """A workflow, its images included, is checked without numpy or OpenCV: `check` answers at once."""
    (folder / "flow.yaml").write_text(GOOD, encoding="utf-8")
    code = (
        "import sys, pathlib; from steadyhand.model.workflow_file import load_workflow;"
        "load_workflow(pathlib.Path(sys.argv[1])); print(sorted({'numpy', 'cv2', 'playwright'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "flow.yaml"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
