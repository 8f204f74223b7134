"""What a user can mend, each error a sentence with its remedy.

ImpastoError
├── OptionError     a value outside its range, or options that exclude each other
├── PictureError    a picture that cannot be read
├── FilmError       a film that cannot be read
├── OutputError     a place that cannot be written
├── StyleError      a style that does not exist or does not fit
├── WeightsError    network weights that are missing, damaged or of another network
├── ExtraError      an optional dependency that is not installed
├── ResourceError   not enough memory or no such device
└── ServiceError    a request to the server, or a start of it, that cannot be followed

They are raised where the cause is known and caught only at the doors: the command line turns one into
a line on standard error and exit code 2, the server into an answer of 4xx. Anything else that escapes is a
bug and keeps its traceback.
"""


class ImpastoError(Exception):
    """The root: its message is one sentence that says what to do."""


class OptionError(ImpastoError):
    """A value outside its range, or options that exclude each other."""


class PictureError(ImpastoError):
    """A picture that cannot be read."""

    @classmethod
    def no_file(cls, path: object, hint: str = "check its name and folder.") -> "PictureError":
        """There is nothing at the path."""
        return cls(f"There is no file {path}; {hint}")


class FilmError(ImpastoError):
    """A film that cannot be read."""


class OutputError(ImpastoError):
    """A place that cannot be written."""


class StyleError(ImpastoError):
    """A style that does not exist or does not fit."""


class WeightsError(ImpastoError):
    """Network weights that are missing, damaged or of another network."""


class ExtraError(ImpastoError):
    """An optional dependency that is not installed."""


class ResourceError(ImpastoError):
    """Not enough memory, or no such device."""


class ServiceError(ImpastoError):
    """A request to the server, or a start of it, that cannot be followed; status is its HTTP answer."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status
