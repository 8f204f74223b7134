"""Ten photos by six built-in styles, painted with the defaults, on one contact sheet, timed and measured.

    python -m benchmarks.stills --photos FOLDER --paintings FOLDER -o sheet.png

Distances are on SqueezeNet, which is never optimised: style 1 is the photo, content 0 is the photo.
"""

import statistics

import impasto
from benchmarks.arguments import parser
from benchmarks.sheets import save_sheet
from impasto.crossing import over_white, to_tensor
from impasto.media.picture import read_picture, resize_picture
from impasto.methods.distances import distances
from impasto.methods.styles import resize_longest
from impasto.studio import Studio
from impasto.tasks import Pixels

PHOTOS = (
    "tubingen_canal",
    "golden_gate_dusk",
    "portrait_two_faces_small",
    "stata_winter",
    "green_lake",
    "lion_grayscale_rgb",
    "classic_cars_dark",
    "flower_vase_plain_bg",
    "tropical_beach",
    "worker_saw",
)
STYLES = {
    "starry-night": "van_gogh_the_starry_night",
    "great-wave": "hokusai_the_great_wave_off_kanagawa",
    "golden-adele": "klimt_portrait_of_adele_bloch_bauer_i",
    "composition-vii": "kandinsky_composition_vii",
    "scream": "munch_the_scream",
    "grande-jatte": "seurat_a_sunday_afternoon_on_the_island_of_la_grande_jatte",
}
SIZE_PX = 512


def main() -> None:
    options = parser(__doc__, writes_sheet=True).parse_args()
    squeezenet, _ = Studio().judges
    rows: list[list[Pixels]] = []
    measured: list[tuple[float, float, float]] = []
    for photo_name in PHOTOS:
        file = options.photos / f"{photo_name}.jpg"
        picture = read_picture(file)
        photo = resize_picture(picture, min(SIZE_PX, max(picture.size_px)))
        rows.append([photo.rgb])
        for style, painting_name in STYLES.items():
            result = impasto.stylize(file, style, size=SIZE_PX)
            painting = over_white(read_picture(options.paintings / f"{painting_name}.jpg"))
            found = distances(
                squeezenet, to_tensor(result.rgb), over_white(photo), resize_longest(painting, SIZE_PX)
            )
            measured.append((result.seconds, *found))
            rows[-1].append(result.rgb)
            print(
                f"{photo_name} {style}: {result.seconds:.1f} s, {found.style:.3f}, {found.content:.3f}",
                flush=True,
            )
        save_sheet(rows, options.output, ["photo", *STYLES], width_px=300)
    medians = [statistics.median(column) for column in zip(*measured, strict=True)]
    print(f"median of {len(measured)}: {medians[0]:.1f} s, style {medians[1]:.3f}, content {medians[2]:.3f}")


if __name__ == "__main__":
    main()
