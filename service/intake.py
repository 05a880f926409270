"""Photos out of requests, however they are sent: as a form, as bare bytes, in base64, or as a URL."""

from __future__ import annotations

import base64
import binascii
import codecs
import tempfile
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, TypeVar, cast

from fastapi import HTTPException, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from model.errors import BadInput
from service.auth import client_of
from service.http import outbound
from service.problems import how_to_send, parameters_of
from service.queries import ImageBody, ImagesBody
from service.settings import Settings
from service.shared_threads import SharedThreads

Result = TypeVar("Result")

_MEMORY = 2**20  # bytes of a photo; what is longer lies on the disk until its turn comes
_FORM = {"max_fields": 8, "max_part_size": 4096}
_READERS, _FETCHERS, _WAITING = 4, 8, 64
_STANDARD = bytes.maketrans(b"-_", b"+/")  # base64's URL-safe alphabet, which mostly goes without padding, too


class MissingImage(BadInput):
    """A request without a photo."""


class Photo:
    """A photo as it came, on the disk if it is large; `read` gives it in its turn."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self) -> bytes:
        """All of it."""
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


class Intake:
    """Reads photos out of requests.

    JSON is parsed and URLs are fetched by a few threads each: neither a large body nor a slow server holds up others.

    Args:
        settings: Say how large a photo may be, how many there may be, and whether URLs are called.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readers = SharedThreads(_READERS, _WAITING)
        self._fetchers = SharedThreads(_FETCHERS, _WAITING)

    async def photo(self, request: Request) -> Photo:
        """The one photo of a request.

        Raises:
            HTTPException: No well-formed form, or more than one photo.
            BadInput: There is none, or it cannot be had.
            TooManyOfOne: Too many are being fetched for its client.
            Overloaded: Too many are being fetched.
        """
        kind = content_kind(request)
        if kind == "multipart/form-data":
            return (await self._form(request, 1))[0]
        if kind == "application/json":
            body = await self._json(request, ImageBody.model_validate_json)
            return await self.named(body, request)
        if kind.startswith("image/") or kind == "application/octet-stream":
            return await _spooled(request)
        raise MissingImage(how_to_send(request))

    async def photos(self, request: Request) -> list[Photo] | list[ImageBody]:
        """The photos of a request for several; those of JSON are still to be had by `named`.

        Raises:
            HTTPException: No well-formed form, or too many photos.
            BadInput: There is none.
        """
        kind = content_kind(request)
        if kind == "multipart/form-data":
            return await self._form(request, self._settings.max_images)
        if kind == "application/json":
            images = (await self._json(request, ImagesBody.model_validate_json)).images
            if len(images) > self._settings.max_images:
                raise BadInput(f"{len(images)} images are too many: at most {self._settings.max_images} are accepted.")
            return images
        raise MissingImage(how_to_send(request))

    async def named(self, body: ImageBody, request: Request) -> Photo:
        """The photo that JSON holds in base64, or names by its URL.

        Raises:
            BadInput: It cannot be had.
            TooManyOfOne: Too many are being fetched for its client.
            Overloaded: Too many are being fetched.
        """
        if body.image is not None:
            return await self._readers.run(client_of(request), partial(_decoded, body.image))
        if not self._settings.image_urls:
            raise BadInput(
                "This service calls no URLs: send the photo itself. (Its operator can allow it by MPT_IMAGE_URLS.)"
            )
        settings = self._settings
        limits = outbound.Limits(settings.url_seconds, settings.max_body_bytes, settings.url_hosts)
        url = body.image_url or ""
        return await self._fetchers.run(client_of(request), lambda: _kept(outbound.fetch(url, limits)))

    async def _form(self, request: Request, most: int) -> list[Photo]:
        form = await request.form(max_files=most, **_FORM)
        unknown = [name for name, part in form.multi_items() if isinstance(part, UploadFile) and name != "image"]
        parts = form.getlist("image")
        images = [part for part in parts if isinstance(part, UploadFile)]
        try:
            refuse_parameters(form, request)
            # A file without a name counts as text: without it, the answers to others would be taken for its.
            if not images or unknown or len(images) < len(parts):
                raise MissingImage(how_to_send(request))
        except BadInput:
            await form.close()
            raise
        return [Photo(image.file) for image in images]

    async def _json(self, request: Request, parse: Callable[[bytes], Result]) -> Result:
        body = await _spooled(request)

        def work() -> Result:
            try:
                return parse(body.read().removeprefix(codecs.BOM_UTF8))  # which Windows' programs write
            except ValidationError as error:
                raise BadInput(_told(error, request)) from None

        try:
            return await self._readers.run(client_of(request), work)
        finally:
            body.close()


def refuse_parameters(form: FormData, request: Request) -> None:
    """Refuse a form that names a parameter of the query, which would be passed over without a word.

    Raises:
        BadInput: It does.
    """
    for name in form.keys() & parameters_of(request).keys():
        raise BadInput(_belongs_in_address(name, "form", request))


def content_kind(request: Request) -> str:
    """The type of a request's body, such as image/jpeg; empty if nothing says it.

    Raises:
        HTTPException: The body is compressed.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        detail = (
            f"The body is compressed (Content-Encoding: {encoding[:20]}), which is not read here: send it as it is."
        )
        raise HTTPException(415, detail, headers={"Accept-Encoding": "identity"})
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _belongs_in_address(name: str, place: str, request: Request) -> str:
    return f"{name} is no part of the {place}: it belongs in the address, {request.url.path}?{name}=..."


async def _spooled(request: Request) -> Photo:
    """The body, kept in memory as long as it is small."""
    upload = UploadFile(cast(BinaryIO, tempfile.SpooledTemporaryFile(_MEMORY)))  # noqa: SIM115 Photo.close does
    async for chunk in request.stream():
        await upload.write(chunk)
    return Photo(upload.file)


def _kept(data: bytes) -> Photo:
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_MEMORY))  # noqa: SIM115 Photo.close does
    file.write(data)
    return Photo(file)


def _decoded(text: str) -> Photo:
    """A photo in base64, with or without the head of a data URL."""
    head, comma, _ = text[:100].partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        text = text[len(head) + 1 :]
    try:
        plain = text.encode("ascii").translate(_STANDARD, b"\t\n\r ")  # many programs break its lines
        return _kept(base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True))
    except (binascii.Error, ValueError):
        raise BadInput("image is no base64: encode the photo's bytes, as `base64 -w0 photo.jpg` does.") from None


def _told(error: ValidationError, request: Request) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "extra_forbidden" and (name := first["loc"][-1]) in parameters_of(request):
        return _belongs_in_address(str(name), "JSON", request)
    place = ".".join(map(str, first["loc"]))[:100]
    if first["type"] == "extra_forbidden":
        return f"{place} is no part of the request's JSON: a photo is given as image, in base64, or as image_url."
    message = first["msg"].removeprefix("Value error, ")
    return f"The request's JSON cannot be used: {f'{place}: ' if place else ''}{message}."
