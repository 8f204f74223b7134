import torch

from impasto.networks.cielab import from_lab, grey_of, to_lab


def test_lab_goes_there_and_back() -> None:
    rgb = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(from_lab(to_lab(rgb)), rgb, atol=1e-4, rtol=0)


def test_lab_knows_red_and_the_greys() -> None:
    colors = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1], [0, 0, 0]]).T.reshape(1, 3, 1, 4)
    expected = torch.tensor([[53.24, 80.09, 67.20], [53.39, 0, 0], [100, 0, 0], [0, 0, 0]])
    torch.testing.assert_close(to_lab(colors)[0, :, 0].T, expected, atol=0.01, rtol=0)


def test_a_grey_is_as_light_as_asked() -> None:
    lightness = torch.linspace(0, 100, 64).view(1, 1, 8, 8)
    lab = to_lab(grey_of(lightness))
    torch.testing.assert_close(lab[:, :1], lightness, atol=1e-2, rtol=0)
    torch.testing.assert_close(lab[:, 1:], torch.zeros(1, 2, 8, 8), atol=1e-3, rtol=0)
