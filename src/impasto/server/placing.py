"""Each upload that a request names gets a name in the job's folder; what a client said becomes none."""

from impasto.errors import ServiceError
from impasto.media.cards import CARD_SUFFIX
from impasto.media.gallery import builtin_styles
from impasto.server.store import Store, Upload


class Placing:
    """An owner's uploads, found and named. files: id of an upload -> its name in the job's folder.

    ServiceError: 404 for what this owner has not uploaded, 422 for what is of another kind than is needed.
    """

    def __init__(self, store: Store, owner: str) -> None:
        self.store = store
        self.owner = owner
        self.files: dict[str, str] = {}

    def find(self, upload_id: str) -> Upload:
        try:
            return self.store.upload(self.owner, upload_id)
        except ServiceError as error:
            sentence = f"there is no style and no upload named {upload_id}; upload the file again"
            raise ServiceError(sentence, 404) from error

    def picture(self, upload_id: str, name: str | None = None) -> str:
        """A photo or a mask."""
        upload = self.find(upload_id)
        if upload.kind != "picture":
            kind = {"card": "style card", "film": "film"}[upload.kind]
            raise ServiceError(f"{upload.name} is a {kind}; photos and masks are pictures", 422)
        return self._named(upload_id, name)

    def film(self, upload_id: str) -> str:
        upload = self.find(upload_id)
        if upload.kind == "card" or (upload.kind == "picture" and upload.frames == 1):
            raise ServiceError(f"{upload.name} is no film; ask for a painting of it", 422)
        return self._named(upload_id, "film")

    def style(self, source: str) -> str:
        """A built-in style keeps its name; a painting or a card that was uploaded gets one."""
        if source in builtin_styles():
            return source
        upload = self.find(source)
        if upload.kind == "film":
            raise ServiceError(f"{upload.name} is a film; a style is a picture or a card", 422)
        return self._named(source, None, CARD_SUFFIX if upload.kind == "card" else "")

    def _named(self, upload_id: str, name: str | None, suffix: str = "") -> str:
        return self.files.setdefault(upload_id, name or f"upload-{len(self.files)}{suffix}")
