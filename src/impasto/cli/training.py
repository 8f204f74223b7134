"""impasto train: a bar for what is left, and a line for what was written."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.progress import Progress

from impasto.cli.console import plain
from impasto.options import TrainColorizerOptions, TrainPainterOptions, TrainStyleOptions

if TYPE_CHECKING:
    from impasto.tasks import Trained

app = App(name="train", help="Train networks that colour and paint, on your pictures.")


@app.command
def colorizer(
    *,
    photos: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    options: Annotated[TrainColorizerOptions, Parameter(name="*")] = TrainColorizerOptions(),  # noqa: B008
) -> None:
    """Train a network that colours; the same command goes on where it was interrupted.

    Parameters
    ----------
    photos
        A folder of photos in colour. One in ten is held out, told by its name.
    output
        A folder for the network (colorizer.safetensors), samples, the curve and checkpoints.
    """
    from impasto.tasks import TrainColorizerTask
    from impasto.train import train_colorizer

    task = TrainColorizerTask(photos=photos, output=output, options=options)
    _show(lambda stop: train_colorizer(task, stop), output)


@app.command
def painter(
    *,
    photos: Path,
    paintings: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    options: Annotated[TrainPainterOptions, Parameter(name="*")] = TrainPainterOptions(),  # noqa: B008
) -> None:
    """Train a network that paints in any style; the same command goes on where it was interrupted.

    Parameters
    ----------
    photos
        A folder of photos. One in ten is held out, told by its name.
    paintings
        A folder of paintings, of which as many are held out.
    output
        A folder for the network (painter.safetensors), samples, the curve and checkpoints.
    """
    from impasto.tasks import TrainPainterTask
    from impasto.train_painter import train_painter

    task = TrainPainterTask(photos=photos, paintings=paintings, output=output, options=options)
    _show(lambda stop: train_painter(task, stop), output)


@app.command
def style(
    style: str,
    *,
    photos: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    options: Annotated[TrainStyleOptions, Parameter(name="*")] = TrainStyleOptions(),  # noqa: B008
) -> None:
    """Teach the painter one style, for better drafts of it: minutes, and a few thousand numbers in its card.

    Interrupted, it keeps what was learnt until then.

    Parameters
    ----------
    style
        A .style file, as impasto style save makes one, or a built-in style.
    photos
        A folder of photos. One in ten is held out, told by its name.
    output
        The card with what was learnt; it may be the file that is given.
    """
    from impasto.media.cards import checked_place
    from impasto.tasks import TrainStyleTask
    from impasto.train_style import train_style

    task = TrainStyleTask(style=style, photos=photos, output=checked_place(output), options=options)
    _show(lambda stop: train_style(task, stop), output)


def _show(train: "Callable[[Callable[[], bool]], Iterator[Trained]]", output: Path) -> None:
    """A bar while it trains, until it is done or Ctrl-C is pressed."""
    from impasto.cli.painting import stop_on_interrupt

    console = plain(stderr=True)
    event = None
    with stop_on_interrupt() as interrupt, Progress(console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None)
        for event in train(interrupt.stop.is_set):
            interrupt.painting = True
            loss = "" if event.loss is None else f"  loss {event.loss:.3f}"
            bars.update(bar, description=f"{event.part}{loss}", completed=event.done, total=event.total)
    console.print(f"{output}: {event.part} {event.done} of {event.total}" if event else f"{output}: all done")
