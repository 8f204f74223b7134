from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import PictureError, StyleError
from impasto.media.cards import Tuning, read_card, write_card
from impasto.media.gallery import builtin_styles
from impasto.methods.losses import Statistics, wasserstein_loss
from impasto.methods.styles import STYLE_LAYERS, measure, resize_longest
from impasto.networks.fetch import MODELS
from impasto.networks.vgg import Vgg
from impasto.networks.weights import vgg_weights
from impasto.stylebook import card_statistics, make_card
from tests.conftest import tensor

MakePicture = Callable[..., Path]


def test_a_card_gives_back_what_it_was_made_of(picture_file: MakePicture, tmp_path: Path, vgg: Vgg) -> None:
    painting = picture_file("dots", size=(600, 400))
    write_card(tmp_path / "dots.style", make_card(painting, "Dots", "Nobody", "2026", "drawn"))
    card = read_card(tmp_path / "dots.style")
    assert (card.title, card.artist, card.year, card.source) == ("Dots", "Nobody", "2026", "drawn")
    assert sorted(card.moments) == [128, 256, 512]
    assert card.thumbnail.shape == (85, 128, 3)
    measured = measure(vgg, resize_longest(tensor("dots", 600, 400), 512))
    card_has = card_statistics(card, vgg.mean.device)[512]
    for layer in STYLE_LAYERS:
        # As losses go, which start near 1, a card is as good as its painting.
        assert distance(card_has[layer], measured[layer]) < 0.01


def test_a_card_keeps_what_the_painter_was_taught(picture_file: MakePicture, tmp_path: Path) -> None:
    card = make_card(picture_file("dots"), "Dots", "", "", "")
    taught = Tuning(np.linspace(-1, 1, 40, dtype=np.float32), "0" * 64, 150, 9)
    write_card(tmp_path / "dots.style", replace(card, tuning=taught))
    found = read_card(tmp_path / "dots.style").tuning
    assert found is not None
    assert (found.painter_sha256, found.steps, found.photos) == ("0" * 64, 150, 9)
    np.testing.assert_allclose(found.numbers, taught.numbers, atol=1e-3)


def distance(found: Statistics, wanted: Statistics) -> float:
    return wasserstein_loss(wanted, rank=64)(found).item() + float(
        (found.gram - wanted.gram).square().sum() / wanted.gram.square().sum()
    )


def test_every_built_in_style_is_whole_small_and_made_with_the_bundled_network() -> None:
    styles = builtin_styles()
    assert len(styles) >= 12
    for path in styles.values():
        assert path.stat().st_size < 1_000_000
        card = read_card(path)
        assert card.title
        assert card.artist
        assert card.year
        assert card.network_sha256 == vgg_weights().sha256
        taught = card.tuning
        assert taught is None or f"sha256:{taught.painter_sha256}" == MODELS["painter"].checksum
        for layers in card.moments.values():
            for mean, covariance in layers.values():
                assert np.isfinite(mean).all()
                assert (covariance.diagonal() >= 0).all()


def test_built_in_styles_are_taught_to_the_painter() -> None:
    untaught = {name for name, path in builtin_styles().items() if read_card(path).tuning is None}
    assert untaught == {"primary-colours"}


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x10\0\0\0\0\0\0\0" + b'{"a":1}         '])
def test_a_file_that_is_no_card_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.style"
    path.write_bytes(data)
    with pytest.raises(StyleError, match="no style card"):
        read_card(path)


def test_a_cut_off_card_is_one_sentence(tmp_path: Path) -> None:
    whole = next(iter(builtin_styles().values())).read_bytes()
    for length in (7, 9, 500, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.style").write_bytes(whole[:length])
        with pytest.raises(StyleError, match="damaged"):
            read_card(tmp_path / "cut.style")


def test_a_tiny_painting_has_no_style(picture_file: MakePicture) -> None:
    with pytest.raises(PictureError, match="too small to take a style from"):
        make_card(picture_file("dots", size=(20, 20)), "", "", "", "")
