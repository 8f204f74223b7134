"""How near a style card comes to its painting: in its moments, and in what is painted with it.

    python -m benchmarks.cards --photos FOLDER --paintings FOLDER

Moments: |G_card - G| / |G| per layer, at sizes of the card and between them. Paintings: the distances on
SqueezeNet of a photo painted with the card and with the painting itself, same seed, same steps.
"""

import torch

import impasto
from benchmarks.arguments import parser
from impasto.crossing import over_white, to_tensor
from impasto.media.cards import read_card
from impasto.media.gallery import builtin_styles
from impasto.media.picture import read_picture, resize_picture
from impasto.methods.distances import distances
from impasto.methods.styles import STYLE_LAYERS, measure, resize_longest, style_of_card
from impasto.networks.weights import load_vgg
from impasto.studio import Studio
from impasto.stylebook import card_statistics

STYLES = {
    "starry-night": "van_gogh_the_starry_night",
    "great-wave": "hokusai_the_great_wave_off_kanagawa",
}
PHOTO = "tubingen_canal"
SIZES_PX = (256, 300, 512, 600, 860)


def main() -> None:
    options = parser(__doc__, writes_sheet=False).parse_args()
    vgg = load_vgg()
    squeezenet, _ = Studio().judges
    file = options.photos / f"{PHOTO}.jpg"
    for name, painting_name in STYLES.items():
        path = options.paintings / f"{painting_name}.jpg"
        painting = over_white(read_picture(path))
        card = style_of_card(card_statistics(read_card(builtin_styles()[name]), torch.device("cpu")))
        for size in SIZES_PX:
            wanted, found = measure(vgg, resize_longest(painting, size)), card(size)
            errors = [
                float((found[k].gram - wanted[k].gram).norm() / wanted[k].gram.norm()) for k in STYLE_LAYERS
            ]
            print(f"{name} at {size} px:", *(f"{error:.3f}" for error in errors), flush=True)
        for size in (512, 600):
            photo = over_white(resize_picture(read_picture(file), size))
            for label, style in (("card", name), ("painting", str(path))):
                painted = to_tensor(impasto.stylize(file, style, size=size).rgb)
                found_at = distances(squeezenet, painted, photo, resize_longest(painting, size))
                print(f"{name} at {size} px, {label}: {found_at.style:.3f} {found_at.content:.3f}")


if __name__ == "__main__":
    main()
