"""impasto doctor as a person, or a program, meets it."""

import json
from pathlib import Path

import pytest

from impasto.cli import main


def test_all_is_well_where_the_tests_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    *told, verdict = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert verdict == {"event": "verdict", "well": True, "message": "impasto is well"}
    assert {finding["verdict"] for finding in told} == {"well"}
    facts = {finding["subject"]: finding["facts"] for finding in told}
    assert set(facts["networks"]["verified"]) >= {"vgg16", "squeezenet"}
    assert facts["precision"]["used"] in {"float32", "bfloat16"}
    assert facts["memory"]["free_bytes"] > 1e9
    assert facts["self-test"]["last_loss"] < 0.5 * facts["self-test"]["first_loss"]


def test_what_is_ill_is_named_and_the_rest_is_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"half a network")
    (tmp_path / "config.toml").write_text("strenght = 0.3")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    monkeypatch.setenv("IMPASTO_CONFIG", str(tmp_path / "config.toml"))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "2 of 10 are ill: config, networks\n" in out
    assert "✓ self-test" in out
    assert " ".join(out.split()).count("did you mean strength?") == 1
