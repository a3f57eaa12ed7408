"""Policy files: every mistake at once, taken up when they change, and the last good one kept."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from steadyhand.errors import PolicyError
from steadyhand.policy import RULES, Policy, PolicyConfig
from steadyhand.policy_file import LARGEST_BYTES, PolicyFile, load_policy, parse_policy

NAME = Path("auto_heal_policy.json")


def parsed(value: object) -> PolicyConfig:
    """What comes of a file with this content."""
    return parse_policy(json.dumps(value).encode(), NAME)


def refusal(content: object) -> PolicyError:
    """What is said about a file with this content."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(PolicyError) as caught:
        parse_policy(raw, NAME)
    return caught.value


# --------------------------------------------------------------------------------------------------------- reading


def test_an_empty_policy_is_the_default() -> None:
    """A file that sets nothing leaves everything as it is, and has the version of the defaults."""
    assert parsed({}) == PolicyConfig()
    assert parsed({}).version == PolicyConfig().version


def test_the_nearer_setting_wins() -> None:
    """The file's keys win over its mode; a workflow's keys over both; its mode makes it start from there."""
    config = parsed(
        {
            "mode": "permissive",
            "slow_steps": 7,
            "workflows": {
                "own key": {"step_failures": 4},
                "own mode": {"mode": "conservative"},
                "both": {"mode": "conservative", "slow_steps": 4},
                "nothing": {},
            },
        }
    )
    permissive, conservative = Policy.preset("permissive"), Policy.preset("conservative")
    everywhere = Policy(**{**permissive, "slow_steps": 7})
    shared = {name: getattr(everywhere, name) for name in Policy.model_fields if Policy.key(name).is_for_all}
    assert config.mode == "permissive"
    assert config.everywhere == config.of("nothing") == config.of("a stranger") == everywhere
    assert config.of("own key") == Policy(**{**permissive, "slow_steps": 7, "step_failures": 4})
    assert config.of("own mode") == Policy(**{**conservative, **shared})
    assert config.of("both") == Policy(**{**conservative, **shared, "slow_steps": 4})


def test_a_mark_at_its_beginning_is_no_mistake() -> None:
    """A file that some editor began with a byte order mark is read."""
    assert parse_policy(b"\xef\xbb\xbf{}", NAME) == PolicyConfig()


def test_every_mistake_is_told_at_once() -> None:
    """Each one with its field, its value and what is allowed; a bad value hides no other mistake."""
    error = refusal(
        {
            "mode": "hybird",
            "step_failure": 2,
            "step_failures": 0,
            "found_from": "0.9",
            "workflows": {
                "pay": {"mode": None, "slow_steps": 1.5, "global_failures": 3},
                "save": 4,
                "load": {"workflow_failures": 3},
            },
        }
    )
    (rule,) = (rule for rule in RULES if rule.key == "workflow_failures")
    assert error.problems == (
        'mode is "hybird"; allowed: conservative, hybrid, permissive',
        "step_failure is 2; there is no such key: did you mean step_failures?",
        'found_from is "0.9"; allowed: a number from 0.5 to 0.99 (probability)',
        "step_failures is 0; allowed: a whole number from 1 to 20 (failures in a row)",
        "workflows.pay.mode is null; allowed: conservative, hybrid, permissive",
        "workflows.pay.global_failures: it belongs to all workflows together; set it outside of `workflows`",
        "workflows.pay.slow_steps is 1.5; allowed: a whole number from 1 to 1000 (steps)",
        "workflows.save is 4; allowed: keys with their values",
        f"workflows.load.workflow_failures is 3, and step_failures is 3; allowed: {rule.in_words()}",
    )
    assert error.message == "auto_heal_policy.json cannot be used; 9 things must be mended:"
    assert error.exit_code == 2


def test_a_contradiction_is_told_where_it_is() -> None:
    """What contradicts itself in the file is not told again for each workflow that inherits it."""
    error = refusal({"workflow_failures": 3, "workflows": {"pay": {"slow_steps": 4}}})
    assert [problem.split()[0] for problem in error.problems] == ["workflow_failures"]
    assert "something must be mended" in error.message


def test_a_degraded_workflow_laxer_than_a_normal_one_is_refused() -> None:
    """The thresholds of DEGRADED may not be below those of NORMAL."""
    error = refusal({"degraded_lead_from": 0.2})
    assert "DEGRADED would be laxer than NORMAL" in error.problems[0]


def test_a_key_that_stands_twice_is_refused() -> None:
    """Nobody can say which of two values was meant."""
    assert refusal(b'{"step_failures": 2, "step_failures": 4}').problems == ("step_failures: it stands there 2 times",)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("é" * 58, '"' + "é" * 58 + '"'),
        ("é" * 59, '"' + "é" * 58 + "…"),
        ("x" * 10_000, '"' + "x" * 58 + "…"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
    ],
)
def test_a_value_is_told_as_it_stands_in_the_file(value: object, told: str) -> None:
    """It is told in its own letters, shortened to sixty of them; what is no number is told as well."""
    assert refusal({"found_from": value}).problems == (
        f"found_from is {told}; allowed: a number from 0.5 to 0.99 (probability)",
    )


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"{", "Keys and texts stand in double quotes; there is no comma after the last one."),
        (b"[]", "An empty policy is {}."),
        (b'{"mode": 1}', "`steadyhand policy show` lists every key."),
    ],
)
def test_a_refusal_says_what_to_do(content: bytes, hint: str) -> None:
    """Whatever is wrong with the content, the message ends with a way to mend it."""
    assert refusal(content).hint == hint


def test_an_unlike_key_gets_no_guess() -> None:
    """Where no key is meant, none is proposed."""
    assert refusal({"qqq": 1}).problems == ("qqq is 1; there is no such key",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1,}', "line 1, column "),
        (b'{\n"mode" "hybrid"}', "line 2, column 8"),
        (b"[]", "no `name: value` pairs"),
        (b'"hybrid"', "no `name: value` pairs"),
        (b'{"found_from": NaN}', "NaN"),
        (b'{"found_from": Infinity}', "Infinity"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"step_failures": ' + b"9" * 5_000 + b"}", "digits"),
        (b'{"workflows": []}', "workflows is []; allowed"),
    ],
)
def test_what_is_no_policy_is_refused_in_words(content: bytes, told: str) -> None:
    """Any other content is refused with the file's name and what is wrong."""
    error = refusal(content)
    assert told in str(error)
    assert str(NAME) in error.message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, a file in place of a folder and a file of many megabytes are told apart."""
    bad_folder = tmp_path / "no folder"
    bad_folder.write_text("", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"no file .*none\.json\. An empty policy is \{\}\.$"):
        load_policy(tmp_path / "none.json")
    with pytest.raises(PolicyError, match=r"is a folder\. A policy file is needed\.$"):
        load_policy(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read: Not a directory"):
        load_policy(bad_folder / "policy.json")
    bad = tmp_path / "bad.json"
    bad.write_text("[]", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"bad\.json is no policy"):
        load_policy(bad)
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (LARGEST_BYTES + 1))
    with pytest.raises(PolicyError, match="5 megabytes"):
        load_policy(big)
    big.write_bytes(b"{}" + b" " * (LARGEST_BYTES - 2))
    assert load_policy(big) == PolicyConfig()


# ------------------------------------------------------------------------------------------------------- reloading


class Files:
    """A policy file and the place where the last good one is kept, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.kept = folder / "data" / "last_good_policy.json"
        self._edits = 0

    def start(self) -> PolicyFile:
        """What a program does when it starts."""
        return PolicyFile(self.path, self.kept)

    def write(self, content: object) -> None:
        """Save the file as an editor does, at a time of its own: file systems round times."""
        self.path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        self._edits += 1
        os.utime(self.path, ns=(self._edits * 10**9, self._edits * 10**9))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder without a policy."""
    return Files(tmp_path)


def test_without_a_file_the_defaults_are_in_force(files: Files) -> None:
    """Nobody needs to write a policy; one that is written later is taken up."""
    policy = files.start()
    assert policy.current() == PolicyConfig()
    files.write({"step_failures": 2})
    assert policy.current().everywhere.step_failures == 2
    assert policy.refusal is None


def test_a_changed_file_is_taken_up(files: Files) -> None:
    """Each change is in force with the next decision; between changes it is the very same policy."""
    files.write({"step_failures": 2})
    policy = files.start()
    first = policy.current()
    assert policy.current() is first
    files.write({"step_failures": 4})
    assert policy.current().everywhere.step_failures == 4
    assert first.everywhere.step_failures == 2


@pytest.mark.parametrize("sign", ["time", "size", "file"])
def test_each_sign_of_a_change_is_enough(files: Files, sign: str) -> None:
    """A file that has another time, another size, or is another file in the same place is read anew."""
    files.write('{"step_failures": 2}')
    policy = files.start()
    changed = '{"step_failures": 4}' + " " * (sign == "size")
    if sign == "file":
        other = files.path.with_suffix(".new")
        other.write_text(changed, encoding="utf-8")
        other.rename(files.path)
    else:
        files.path.write_text(changed, encoding="utf-8")
    seconds = 2 if sign == "time" else 1
    os.utime(files.path, ns=(seconds * 10**9, seconds * 10**9))
    assert policy.current().everywhere.step_failures == 4


def test_a_bad_file_changes_nothing_and_is_told_of(files: Files) -> None:
    """The last good policy stays in force as a whole, until the file is mended."""
    files.write({"step_failures": 2})
    policy = files.start()
    good = policy.current()
    files.write({"step_failures": 4, "slow_steps": 0})
    assert policy.current() is good
    assert policy.refusal is not None
    assert str(files.path) in policy.refusal.message
    assert policy.refusal.problems == ("slow_steps is 0; allowed: a whole number from 1 to 1000 (steps)",)
    files.write({"step_failures": 4})
    assert policy.current().everywhere.step_failures == 4
    assert policy.refusal is None


def test_a_file_that_is_gone_changes_nothing(files: Files) -> None:
    """Taking the file away is no way back to the defaults, now or after a restart."""
    files.write({"step_failures": 2})
    policy = files.start()
    files.path.unlink()
    for each in (policy, files.start()):
        assert each.current().everywhere.step_failures == 2
        assert "no file" in str(each.refusal)


def test_the_last_good_policy_outlives_a_restart(files: Files) -> None:
    """A program that starts on a bad file goes on with the policy that was good, and says so."""
    files.write({"step_failures": 2})
    files.start()
    files.write({"step_failures": 4})
    files.start().current()
    files.write("{")
    policy = files.start()
    assert policy.current().everywhere.step_failures == 4
    assert "not JSON" in str(policy.refusal)
    files.write({"step_failures": 5})
    assert policy.current().everywhere.step_failures == 5


def test_without_any_good_policy_nothing_starts(files: Files) -> None:
    """A first start on a bad file, or with a damaged kept one beside it, raises what is wrong with the file."""
    files.write({"slow_steps": 0})
    with pytest.raises(PolicyError, match="slow_steps"):
        files.start()
    files.kept.parent.mkdir()
    files.kept.write_text("{", encoding="utf-8")
    with pytest.raises(PolicyError, match="slow_steps"):
        files.start()


def test_a_policy_that_cannot_be_kept_is_not_taken_up(files: Files) -> None:
    """If a restart would bring back an older policy, the new one is refused, and the reason is told."""
    files.write({"step_failures": 2})
    policy = files.start()
    files.kept.unlink()
    files.kept.parent.rmdir()
    files.kept.parent.write_text("in the way", encoding="utf-8")
    files.write({"step_failures": 4})
    assert policy.current().everywhere.step_failures == 2
    assert policy.refusal is not None
    assert "cannot be written" in policy.refusal.message
    assert policy.refusal.message.endswith("after a restart an older policy would be in force.")
    assert policy.refusal.hint == "Make room, or let the folder be written to; then touch the file."


def test_only_a_changed_policy_is_written_again(files: Files) -> None:
    """Starting again and again writes nothing."""
    files.write({})
    files.start()
    before = files.kept.stat().st_ino
    files.start()
    assert files.kept.stat().st_ino == before


def test_threads_see_whole_policies(files: Files) -> None:
    """While a file changes again and again, every thread sees only policies that were written, and at last the last."""
    files.write({"step_failures": 1, "slow_steps": 1})
    policy = files.start()
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            now = policy.current().everywhere
            seen.append((now.step_failures, now.slow_steps))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(2, 10):
        files.write({"step_failures": number, "slow_steps": number, "workflow_failures": 20})
        policy.current()
    done.set()
    for thread in threads:
        thread.join()
    assert seen
    assert {left - right for left, right in seen} == {0}
    assert policy.current().everywhere.step_failures == 9


def values_of(config: PolicyConfig) -> dict[str, Any]:
    """Every key of a policy with its value."""
    return config.everywhere.model_dump()


def test_the_whole_policy_can_be_written_out(files: Files) -> None:
    """What `show` prints as the keys is itself a policy file with the same meaning."""
    config = parsed({"mode": "conservative", "found_from": 0.92})
    files.write(values_of(config))
    assert files.start().current().everywhere == config.everywhere
