"""Makes src/impasto/data/styles/*.style: the built-in styles, from scans of public-domain paintings.

    python tools/bundle_styles.py --paintings FOLDER --photos PHOTOS

FOLDER holds the scans under the file names below, about 1200 px wide; on the PHOTOS the painter is taught
each style.
"""

import argparse
from pathlib import Path

from impasto.media.cards import write_card
from impasto.stylebook import make_card
from impasto.tasks import TrainStyleTask
from impasto.train_style import train_style

OUT = Path(__file__).parents[1] / "src/impasto/data/styles"
COMMONS = "scan from Wikimedia Commons (public domain)"
STYLES = {
    "starry-night": ("van_gogh_the_starry_night", "The Starry Night", "Vincent van Gogh", "1889"),
    "olive-trees": ("van_gogh_olive_trees", "Olive Trees", "Vincent van Gogh", "1889"),
    "great-wave": (
        "hokusai_the_great_wave_off_kanagawa",
        "The Great Wave off Kanagawa",
        "Katsushika Hokusai",
        "1831",
    ),
    "whirlpools": (
        "hiroshige_awa_province_naruto_whirlpools",
        "Naruto Whirlpools",
        "Utagawa Hiroshige",
        "1855",
    ),
    "footbridge": ("monet_the_japanese_footbridge", "The Japanese Footbridge", "Claude Monet", "1899"),
    "sunrise": ("monet_impression_sunrise", "Impression, Sunrise", "Claude Monet", "1872"),
    "golden-adele": (
        "klimt_portrait_of_adele_bloch_bauer_i",
        "Portrait of Adele Bloch-Bauer I",
        "Gustav Klimt",
        "1907",
    ),
    "composition-vii": ("kandinsky_composition_vii", "Composition VII", "Wassily Kandinsky", "1913"),
    "scream": ("munch_the_scream", "The Scream", "Edvard Munch", "1893"),
    "grande-jatte": (
        "seurat_a_sunday_afternoon_on_the_island_of_la_grande_jatte",
        "A Sunday Afternoon on the Island of La Grande Jatte",
        "Georges Seurat",
        "1886",
    ),
    "minotaur": (
        "turner_the_shipwreck_of_the_minotaur",
        "The Shipwreck of the Minotaur",
        "J. M. W. Turner",
        "1810",
    ),
    "primary-colours": (
        "mondrian_composition_ii_in_red_blue_and_yellow",
        "Composition II in Red, Blue, and Yellow",
        "Piet Mondrian",
        "1930",
    ),
    "edtaonisl": ("picabia_edtaonisl", "Edtaonisl", "Francis Picabia", "1913"),
    "blue-horses": ("marc_the_large_blue_horses", "The Large Blue Horses", "Franz Marc", "1911"),
    "senecio": ("klee_senecio", "Senecio", "Paul Klee", "1922"),
    "woman-with-a-hat": ("matisse_woman_with_a_hat", "Woman with a Hat", "Henri Matisse", "1905"),
    "sainte-victoire": ("cezanne_mont_sainte_victoire", "Mont Sainte-Victoire", "Paul Cézanne", "1904"),
    "boulevard-at-night": (
        "pissarro_the_boulevard_montmartre_at_night",
        "The Boulevard Montmartre at Night",
        "Camille Pissarro",
        "1897",
    ),
}

UNTAUGHT = {"primary-colours"}
"""What the painter learns of it are black combs that hang from the top."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    for name, (file, title, artist, year) in STYLES.items():
        card = OUT / f"{name}.style"
        write_card(card, make_card(options.paintings / f"{file}.jpg", title, artist, year, COMMONS))
        if name not in UNTAUGHT:
            for _ in train_style(TrainStyleTask(style=str(card), photos=options.photos, output=card)):
                pass
        print(f"{card.name}: {card.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
