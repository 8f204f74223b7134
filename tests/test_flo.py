"""Flow in files."""

from pathlib import Path

import numpy as np
import pytest

from impasto.errors import FilmError
from impasto.media.flo import read_flo, write_flo


def test_flow_comes_back_as_it_was(tmp_path: Path) -> None:
    flow = np.random.default_rng(0).normal(size=(5, 7, 2)).astype(np.float32)
    write_flo(tmp_path / "a.flo", flow)
    np.testing.assert_array_equal(read_flo(tmp_path / "a.flo"), flow)
    assert (tmp_path / "a.flo").read_bytes()[:12] == b"PIEH\x07\0\0\0\x05\0\0\0"


def test_what_is_no_flow_is_refused(tmp_path: Path) -> None:
    write_flo(tmp_path / "a.flo", np.zeros((5, 7, 2), np.float32))
    whole = (tmp_path / "a.flo").read_bytes()
    for damaged in (b"", b"PIEH", whole[:-1], b"XXXX" + whole[4:]):
        (tmp_path / "b.flo").write_bytes(damaged)
        with pytest.raises(FilmError, match="make it again"):
            read_flo(tmp_path / "b.flo")
    with pytest.raises(FilmError, match="gone"):
        read_flo(tmp_path / "gone.flo")
