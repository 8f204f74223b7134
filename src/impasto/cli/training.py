"""impasto train colorizer: a bar for what is left, and a line for what was written."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.progress import Progress

from impasto.cli.console import plain
from impasto.options import TrainColorizerOptions

app = App(name="train", help="Train the networks that are bundled, on your photos.")


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
    from impasto.cli.painting import stop_on_interrupt
    from impasto.tasks import TrainColorizerTask
    from impasto.train import train_colorizer

    task = TrainColorizerTask(photos=photos, output=output, options=options)
    console = plain(stderr=True)
    with stop_on_interrupt() as interrupt, Progress(console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None)
        for event in train_colorizer(task, interrupt.stop.is_set):
            interrupt.painting = True
            loss = "" if event.loss is None else f"  loss {event.loss:.3f}"
            bars.update(bar, description=f"{event.part}{loss}", completed=event.done, total=event.total)
    console.print(f"{output}: {event.part} {event.done} of {event.total}")
