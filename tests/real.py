"""Where the real frames are, for the tests that need them."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("SIDERA_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="no real frames: neither SIDERA_DATA nor ../shared/data"
)
