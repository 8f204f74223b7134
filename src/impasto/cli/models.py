"""impasto models list|fetch|verify|path: the networks and the files that fill them."""

from dataclasses import asdict

from cyclopts import App
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn
from rich.table import Table

from impasto.cli.console import AsJson, plain, print_json
from impasto.errors import WeightsError

app = App(name="models", help="See, fetch and check the networks.")


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List the networks: what each is for, its licence, and whether it is here."""
    from impasto.networks.fetch import MODELS, model_path

    if as_json:
        for model in MODELS.values():
            print_json("model", **asdict(model), path=model_path(model.name))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("network", "size", "here", "licence", "what it is"):
        table.add_column(heading)
    for model in MODELS.values():
        here = "bundled" if model.bundled else "fetched" if model_path(model.name) else "no"
        table.add_row(model.name, f"{model.size_mb:g} MB", here, model.licence, model.description)
    plain().print(table)


@app.command
def fetch(name: str) -> None:
    """Fetch a network now, so that it is there when you are offline.

    Parameters
    ----------
    name
        The network, as in: impasto models list
    """
    from impasto.networks.fetch import fetch_model, model_path

    model_path(name)  # refuses an unknown name before there is a bar
    console = plain(stderr=True)
    with Progress(
        *Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn(), console=console
    ) as bars:
        bar = bars.add_task(name, total=None)
        path = fetch_model(
            name, lambda received, total: bars.update(bar, completed=received, total=total or None)
        )
    console.print(str(path))


@app.command
def verify(name: str = "") -> None:
    """Check the files of all networks that are here, or of one, against their published checksums.

    Parameters
    ----------
    name
        The network; all by default.
    """
    from impasto.networks.fetch import MODELS, model_path, verify_model

    for each in [name] if name else [name for name in MODELS if model_path(name)]:
        plain().print(verify_model(each))


@app.command
def path(name: str) -> None:
    """Print where a network's file lies.

    Parameters
    ----------
    name
        The network, as in: impasto models list
    """
    from impasto.networks.fetch import model_path

    found = model_path(name)
    if found is None:
        raise WeightsError(f"{name} is not here yet; fetch it with: impasto models fetch {name}")
    plain().print(str(found))
