"""Unit tests of the demo's story; the whole of it takes a browser and is run by `./run.sh demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steadyhand.demo.story import tell
from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """Somebody's own workflow in the folder is neither replaced nor touched."""
    (tmp_path / "flow.yaml").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="holds other files"):
        tell(tmp_path)
    assert (tmp_path / "flow.yaml").read_text("utf-8") == "mine"
