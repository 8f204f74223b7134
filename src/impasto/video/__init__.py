"""Films: planned, painted shot by shot, written and measured."""

from impasto.video.film import paint_film

__all__ = ["paint_film"]
