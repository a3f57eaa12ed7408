"""Style that matters here and that no other tool checks.

A *rule* looks at one module and names its *offences*, each with its line and with what to do instead. Each rule is
also shown a piece of code that breaks it, so that no rule can fall silent. What ruff checks is not checked again; its
settings are shown to bite.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
LONGEST_MODULE = 600
WRITERS = {"write_text", "write_bytes", "touch", "rename", "imwrite", "tofile", "savetxt", "copyfile", "copytree"}
WRITING = re.compile(r"(?=.*[wax+])[rwaxbt+]{1,3}")
TIME_WORDS = {"timeout", "duration", "delay", "interval", "elapsed", "period", "secs", "millis"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "stuff", "tools", "lib"}
ENTRY_POINTS = {
    "steadyhand": "what `import steadyhand` gives",
    "steadyhand.__main__": "what `python -m steadyhand` starts",
    "steadyhand.cli": "what the command `steadyhand` starts",
    "steadyhand.testing": "what tests import, ours and those of drivers elsewhere",
}


@dataclass(frozen=True)
class Module:
    """A piece of Python.

    Attributes:
        path: Where it is, below the root of the project.
        text: What is written in it.
    """

    path: PurePosixPath
    text: str

    @property
    def tree(self) -> ast.Module:
        """The text as Python understands it."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """Its dotted name, if it lies below `src`."""
        parts = self.path.with_suffix("").parts[1:]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_source(self) -> bool:
        """Whether it belongs to the package, and not to its tests or its documentation."""
        return self.path.parts[0] == "src"


Offences = Iterator[tuple[int, str]]
Rule = Callable[[Module], Offences]


def modules() -> list[Module]:
    """Every Python file of the project."""
    files = (file for folder in ("src", "tests", "docs") for file in sorted((ROOT / folder).rglob("*.py")))
    return [Module(PurePosixPath(file.relative_to(ROOT).as_posix()), file.read_text()) for file in files]


# ----------------------------------------------------------------------------------------------------------- rules


def is_short(module: Module) -> Offences:
    """A module can be read in one sitting."""
    count = len(module.text.splitlines())
    if count > LONGEST_MODULE:
        yield count, f"{count} lines, more than {LONGEST_MODULE}: there is a second room in it"


def is_named_for_what_it_does(module: Module) -> Offences:
    """A module's name says what is in it."""
    if module.path.stem.removeprefix("test_") in VAGUE_NAMES:
        yield 1, f"'{module.path.stem}' could hold anything: name it after what it does"


def writes_through_files(module: Module) -> Offences:
    """Only `steadyhand.files` writes files, so that none is ever half written."""
    if not module.is_source or module.name == "steadyhand.files":
        return
    for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
        is_method = isinstance(call.func, ast.Attribute)
        called = getattr(call.func, "attr" if is_method else "id", "")
        modes = call.args[:1] if is_method else call.args[1:2]
        modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
        writes = any(isinstance(mode, ast.Constant) and WRITING.fullmatch(str(mode.value)) for mode in modes)
        if called in WRITERS or (called == "open" and writes):
            yield call.lineno, f"'{called}' writes a file: use steadyhand.files, which writes whole or not at all"


def says_its_units(module: Module) -> Offences:
    """A number of seconds says so in its name."""
    named = [
        (node.arg, node.annotation, node.lineno) for node in ast.walk(module.tree) if isinstance(node, ast.arg)
    ] + [
        (node.target.id, node.annotation, node.lineno)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    for name, annotation, line in named:
        is_number = annotation is not None and bool({"int", "float"} & set(re.findall(r"\w+", ast.unparse(annotation))))
        if is_number and name.lower().split("_")[-1] in TIME_WORDS:
            yield line, f"'{name}' is a number of what? Call it '{name}_s', and let it be seconds"


def excuses_itself(module: Module) -> Offences:
    """Where a check is switched off, its name and a reason stand beside it."""
    for number, line in enumerate(module.text.splitlines(), start=1):
        comment = re.search(r"# (noqa|type: ignore|fmt: off|pragma: no cover)(.*)", line)
        if comment and not re.match(r"(: ?[A-Z]+\d+(, ?[A-Z]+\d+)*|\[[\w, -]+\]|)\s+(# )?\S+ \S+", comment[2]):
            yield number, f"'{comment[0]}' gives no reason: say after it why the check is wrong here"


def belongs_anywhere(module: Module) -> Offences:
    """Nothing names a folder of the machine on which it was written."""
    for number, line in enumerate(module.text.splitlines(), start=1):
        place = re.search(r"(?<![\w.:/}])/(work|home|root|Users)/\w", line)
        if place:
            yield number, f"'{place[0]}...' is a folder of one machine: take it from the caller, or use tmp_path"


def asserts(module: Module) -> Offences:
    """A test can fail: it asserts something, expects an error, or calls a check that does."""
    if not module.path.name.startswith("test_"):
        return
    functions = {node.name: node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    for name, function in functions.items():
        called = {functions[other] for other in _called(function) if other in functions}
        if name.startswith("test_") and not any(_is_check(part) for part in (function, *called)):
            yield function.lineno, f"'{name}' asserts nothing: a test must be able to fail"


def _called(function: ast.FunctionDef) -> set[str]:
    """The names of all that a function calls."""
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {getattr(call, "attr", getattr(call, "id", "")) for call in calls}


def _is_check(function: ast.FunctionDef) -> bool:
    """Whether a function itself can fail a test."""
    is_asserting = any(isinstance(node, ast.Assert) for node in ast.walk(function))
    return is_asserting or any(re.match(r"_?(assert|check|raises|warns|fail)", name) for name in _called(function))


def has_a_mirror(module: Module) -> Offences:
    """A unit test lies where the module that it tests lies."""
    if module.path.parts[:2] != ("tests", "unit") or not module.path.name.startswith("test_"):
        return
    mirror = ROOT.joinpath("src", "steadyhand", *module.path.parts[2:-1], module.path.stem.removeprefix("test_"))
    if not mirror.with_suffix(".py").is_file() and not (mirror / "__init__.py").is_file():
        yield 1, f"there is no {mirror.relative_to(ROOT)}.py: name the test after the module that it tests"


RULES: dict[Rule, tuple[str, str]] = {
    is_short: ("src/steadyhand/x.py", "x = 1\n" * (LONGEST_MODULE + 1)),
    is_named_for_what_it_does: ("src/steadyhand/utils.py", "x = 1"),
    writes_through_files: ("src/steadyhand/x.py", "def f(place):\n    with place.open(mode='wb') as file: ..."),
    says_its_units: ("src/steadyhand/x.py", "def f(*, first_timeout: float | None = None) -> None: ..."),
    excuses_itself: ("src/steadyhand/x.py", "import x  # " + "noqa: F401"),
    belongs_anywhere: ("tests/test_x.py", "x = '/" + "home/me/x.png'"),
    asserts: ("tests/test_x.py", "def test_x():\n    print(1)"),
    has_a_mirror: ("tests/unit/perception/test_nothing_of_that_name.py", "x = 1"),
}
"""Every rule, with a place and a piece of code that break it."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    """No module of the project breaks the rule."""
    offences = [f"{module.path}:{line}: {what}" for module in modules() for line, what in rule(module)]
    assert offences == [], "\n" + "\n".join(offences)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_can_be_broken(rule: Rule) -> None:
    """A piece of code that breaks the rule is found out."""
    path, text = RULES[rule]
    assert list(rule(Module(PurePosixPath(path), text))) != []


@pytest.mark.parametrize(
    "text",
    [
        "open(place, 'w')",
        "open(place, mode='r+')",
        "place.open('x')",
        "place.write_text('x')",
        "cv2.imwrite('x.png', image)",
    ],
)
def test_each_way_to_write_a_file_is_seen(text: str) -> None:
    """However a file is opened for writing, it is found out."""
    assert list(writes_through_files(Module(PurePosixPath("src/steadyhand/x.py"), text))) != []


@pytest.mark.parametrize(
    "text", ["open(place)", "place.open('rb')", "open('wax', encoding='utf-8')", "Driver.open(wax.url)"]
)
def test_reading_is_no_offence(text: str) -> None:
    """Reading a file, even one of an unlucky name, is left alone."""
    assert list(writes_through_files(Module(PurePosixPath("src/steadyhand/x.py"), text))) == []


# ------------------------------------------------------------------------------------------------------ dead files


def unused(sources: list[Module]) -> set[str]:
    """The modules that no other one imports and that are no entry point."""
    names = {module.name for module in sources}
    imported: set[str] = set()
    for module in sources:
        mentioned: set[str] = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                mentioned |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                mentioned |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        imported |= mentioned - {module.name}
    packages = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    return names - imported - packages - set(ENTRY_POINTS)


def test_each_module_is_used() -> None:
    """There are no dead files: every module is imported by another one, or is an entry point."""
    assert sorted(unused([module for module in modules() if module.is_source])) == []


def test_a_dead_file_is_seen() -> None:
    """A module that only imports itself is found out; one that is imported inside a function is not."""
    texts = {
        "src/steadyhand/cli.py": "def run():\n    from steadyhand.screen import browser",
        "src/steadyhand/screen/__init__.py": "",
        "src/steadyhand/screen/browser.py": "",
        "src/steadyhand/screen/dead.py": "import steadyhand.screen.dead",
    }
    sources = [Module(PurePosixPath(path), text) for path, text in texts.items()]
    assert unused(sources) == {"steadyhand.screen.dead"}


# ------------------------------------------------------------------------------------------------ ruff and friends


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"""Doc."""\n\nimport time\n\ntime.sleep(1)\n', "TID251"),
        ('"""Doc."""\n\nfrom time import monotonic\n\nmonotonic()\n', "TID251"),
        ('"""Doc."""\n\nfrom datetime import UTC, datetime\n\ndatetime.now(UTC)\n', "TID251"),
        ('"""Doc."""\n\nimport os\n\nos.replace("a", "b")\n', "TID251"),
        ('"""Doc."""\n\nimport os\n\nos.fsync(1)\n', "TID251"),
        ('"""Doc."""\n\nprint(1)\n', "T201"),
        ('"""Doc."""\n\ntry:\n    x = 1\nexcept Exception:\n    x = 2\n', "BLE001"),
        ('"""Doc."""\n\ntry:\n    x = 1\nexcept:\n    x = 2\n', "E722"),
        ("x = 1\n", "D100"),
        ('"""Doc."""\n\n\ndef f() -> None:\n    return\n', "D103"),
        ('"""Doc."""\n\n\nclass X:\n    x = 1\n', "D101"),
    ],
)
def test_ruff_sees(text: str, code: str) -> None:
    """What this project forbids is really found by ruff with the settings of this project."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    asked = [
        ruff,
        "check",
        "--quiet",
        "--no-cache",
        "--output-format=concise",
        "--stdin-filename=src/steadyhand/x.py",
        "-",
    ]
    answer = subprocess.run(asked, input=text, capture_output=True, text=True, check=False, cwd=ROOT)
    assert code in answer.stdout, answer.stdout + answer.stderr
