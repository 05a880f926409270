"""The pictures of an answer: `GET /reconstructions/{id}/overlay.png`."""

from __future__ import annotations

import os

import cv2
import httpx2
import numpy as np
import pytest

from model.rendering.rasterizer import rasterise
from service.scene import LONGEST
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.service_client import form, photo, refused, serving, wait_until_ready


def decoded(response: httpx2.Response) -> np.ndarray:
    """(H, W, 3) int16 RGB."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    return cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(np.int16)


def silhouette(answer: dict, model: FakeReconstructor, size: tuple[int, int]) -> np.ndarray:
    """Where the meshes are seen in a picture of this width and height, from what the answer says of the camera."""
    mask = np.zeros(size[::-1], bool)
    scale = size[0] / answer["width"]
    for person in answer["people"]:
        camera = person["camera"]
        point = tuple(scale * value for value in camera["principal_point"])
        placed = np.array(person["vertices"]) + camera["translation"]
        mask |= rasterise(placed, model.faces, scale * camera["focal_length"], point, size).face >= 0
    return mask


@pytest.mark.parametrize(("width", "height"), [(320, 240), (300, 500), (2 * LONGEST + 400, LONGEST + 200)])
def test_the_meshes_lie_over_the_photo(client, model, width, height):
    answer = client.post("/reconstruct?vertices=true", files=form(photo(width, height))).json()
    picture = decoded(client.get(answer["overlay"]))
    scale = min(1, LONGEST / max(width, height))
    assert picture.shape == (round(height * scale), round(width * scale), 3)
    changed = np.abs(picture - 128).max(axis=2) > 12
    mask = silhouette(answer, model, picture.shape[1::-1])
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert mask.mean() > 0.02
    assert (changed == mask)[~edge].mean() > 0.999


def test_the_photo_is_there_scaled_down_and_goes_with_its_answer(client):
    answer = client.post("/reconstruct", files=form(photo(2 * LONGEST, 240))).json()
    path = f"/reconstructions/{answer['id']}/photo.jpg"
    response = client.get(path)
    assert response.headers["content-type"] == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR).shape == (120, LONGEST, 3)
    client.delete(f"/reconstructions/{answer['id']}")
    refused(client.get(path), 404, "no photo")


def test_two_people_have_two_colours(client):
    answer = client.post("/reconstruct?bbox=20,20,100,200&bbox=180,20,100,200", files=form(photo(320, 240))).json()
    picture = decoded(client.get(answer["overlay"]))
    blue, orange = picture[:, :150], picture[:, 170:]
    assert (blue[..., 2] - blue[..., 0]).max() > 60 > (blue[..., 0] - blue[..., 2]).max()
    assert (orange[..., 0] - orange[..., 2]).max() > 60 > (orange[..., 2] - orange[..., 0]).max()


def test_from_the_side_there_is_no_photo(client):
    answer = client.post("/reconstruct", files=form(photo(320, 240, value=40))).json()
    front, side = (decoded(client.get(f"{answer['overlay']}?view={view}")) for view in ("photo", "side"))
    assert front.shape == side.shape
    assert front.min() < 45 and (side[0] > 230).all()
    columns = [np.flatnonzero((np.abs(p - p[0, 0]).max(axis=2) > 30).any(axis=0)) for p in (front, side)]
    assert np.ptp(columns[1]) < 0.8 * np.ptp(columns[0])  # the figure is wider than it is deep


def test_a_photo_without_people_is_its_own_picture(client):
    answer = client.post("/reconstruct", files=form(photo(value=0))).json()
    assert decoded(client.get(answer["overlay"])).max() == 0
    assert decoded(client.get(f"{answer['overlay']}?view=side")).min() > 230


def test_the_links_headers(client):
    answer = client.post("/reconstruct", files=form(photo())).json()
    assert answer["overlay"] == f"/reconstructions/{answer['id']}/overlay.png"
    headers = client.get(answer["overlay"]).headers
    assert headers["cache-control"] == "private, max-age=3600, immutable"
    assert headers["content-disposition"] == f'inline; filename="{answer["id"]}-photo.png"'


def test_a_picture_comes_as_its_name_says(client):
    answer = client.post("/reconstruct", files=form(photo(320, 240))).json()
    address = answer["overlay"].removesuffix(".png")
    png = decoded(client.get(f"{address}.png"))
    for ending, media in (("jpg", "image/jpeg"), ("webp", "image/webp")):
        response = client.get(f"{address}.{ending}")
        assert response.headers["content-type"] == media
        assert response.headers["content-disposition"] == f'inline; filename="{answer["id"]}-photo.{ending}"'
        pixels = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(pixels.astype(int) - png).mean() < 1
    refused(client.get(f"{address}.gif"), 422, "ending")


def test_another_view_is_refused(client):
    answer = client.post("/reconstruct", files=form(photo())).json()
    refused(client.get(f"{answer['overlay']}?view=below"), 422, "view")


@pytest.mark.parametrize("identifier", ["0" * 32, "x", "..%2f..%2fetc", "0" * 31 + "%0a"])
def test_what_was_never_there(client, identifier):
    refused(client.get(f"/reconstructions/{identifier}/overlay.png"), 404, "no picture|nothing at this address")


def test_a_person_is_no_reconstruction(client):
    answer = client.post("/reconstruct", files=form(photo())).json()
    refused(client.get(f"/reconstructions/{answer['people'][0]['id']}/overlay.png"), 404, "no picture")


def test_it_goes_with_the_meshes(client, settings):
    answer = client.post("/reconstruct", files=form(photo())).json()
    path = settings.store_dir / f"{answer['id']}.scene"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    refused(client.get(answer["overlay"]), 404, "no picture")
    path.write_bytes(whole)
    os.utime(path, (0, 0))
    refused(client.get(answer["overlay"]), 404, "Send the photo again")


def test_photos_are_not_kept_against_the_operators_will(tmp_path):
    with serving(Settings(store_dir=tmp_path, keep_photos=False)) as client:
        wait_until_ready(client)
        answer = client.post("/reconstruct", files=form(photo())).json()
        assert "overlay" not in answer
        assert {file.suffix for file in tmp_path.iterdir()} == {".person", ".answer"}
        refused(client.get(f"/reconstructions/{answer['id']}/overlay.png"), 404, "keeps no photos")
