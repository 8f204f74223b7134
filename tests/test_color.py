import torch

from impasto.methods.color import color_map, recolor
from impasto.methods.losses import statistics, statistics_of_each
from tests.conftest import tensor


def test_a_picture_takes_on_the_mean_and_covariance_of_another() -> None:
    photo, style = 0.3 + 0.4 * tensor("photo"), 0.4 + 0.2 * tensor("dots")
    wanted = statistics(style)
    found = statistics(recolor(photo, color_map(statistics(photo), wanted)))
    torch.testing.assert_close(found.mean, wanted.mean, atol=5e-3, rtol=0)
    torch.testing.assert_close(found.covariance, wanted.covariance, atol=2e-3, rtol=0)


def test_several_pictures_have_each_its_own_map() -> None:
    photos = [0.3 + 0.4 * tensor("photo"), tensor("stripes")]
    styles = [0.4 + 0.2 * tensor("dots"), tensor("photo")]
    both = color_map(*(statistics_of_each(torch.cat(pictures)) for pictures in (photos, styles)))
    for number, (photo, style) in enumerate(zip(photos, styles, strict=True)):
        alone = color_map(statistics(photo), statistics(style))
        torch.testing.assert_close(both.matrix[number], alone.matrix, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(both.offset[number], alone.offset, rtol=1e-2, atol=1e-2)


def test_its_own_colours_change_nothing() -> None:
    photo = tensor("photo")
    own = statistics(photo)
    torch.testing.assert_close(recolor(photo, color_map(own, own)), photo, atol=1e-3, rtol=0)


def test_the_noise_of_a_grey_picture_does_not_become_colours() -> None:
    noise = torch.randn((1, 3, 96, 128), generator=torch.Generator().manual_seed(0)) / 255
    grey = tensor("photo").mean(1, keepdim=True) + noise
    matrix = color_map(statistics(grey), statistics(tensor("dots"))).matrix
    assert matrix.isfinite().all()
    assert torch.linalg.norm(matrix, ord=2) < 10
