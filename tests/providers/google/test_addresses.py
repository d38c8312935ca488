"""Where a model is asked and by what right: the same as Google's own SDK does for the same settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from google.auth.credentials import Credentials as AnyCredentials
from google.genai import Client, _transformers
from google.genai.types import HttpOptions
from google.oauth2.credentials import Credentials

from punk.core.failures import Unsupported
from punk.errors import ConfigurationError
from punk.llm.models.google import GoogleModel
from punk.providers.google.address import is_model_name
from punk.providers.google.transport.access import Access, Given, access_of

CREDENTIALS: AnyCredentials = Credentials(token="fake-token")  # type: ignore[no-untyped-call]  # its own
BASE = "http://127.0.0.1:8080/proxy"


@dataclass(frozen=True)
class Case:
    """Settings and an environment, and whether the SDK must be told that Vertex is meant."""

    given: Given
    environ: dict[str, str] = field(default_factory=dict)
    vertex: bool | None = None


VERTEX = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
PROJECT = {"GOOGLE_CLOUD_PROJECT": "p-env", "GOOGLE_CLOUD_LOCATION": "europe-west1"}
KEY = {"GOOGLE_API_KEY": "key-env"}
CASES: Final = {
    "key": Case(Given(api_key="k")),
    "key in the environment": Case(Given(), KEY),
    "the other key in the environment": Case(Given(), {"GEMINI_API_KEY": " key-two "}),
    "both keys": Case(Given(), {"GEMINI_API_KEY": "two", **KEY}),
    "given key": Case(Given(api_key="k"), KEY),
    "key and a project in the environment": Case(Given(), {**KEY, **PROJECT}),
    "key and url": Case(Given(api_key="k", base_url=BASE)),
    "url in the environment": Case(Given(api_key="k"), {"GOOGLE_GEMINI_BASE_URL": f"{BASE}/"}),
    "beta": Case(Given(api_key="k"), {"GOOGLE_GENAI_API_VERSION": "beta"}),
    "version": Case(Given(api_key="k"), {"GOOGLE_GENAI_API_VERSION": "v7"}),
    "project": Case(Given("p", "us-central1"), vertex=True),
    "project alone": Case(Given("p"), vertex=True),
    "project and a key in the environment": Case(Given("p"), KEY, vertex=True),
    "europe": Case(Given("p", "eu"), vertex=True),
    "global": Case(Given("p", "global"), vertex=True),
    "location of the environment": Case(Given("p"), PROJECT, vertex=True),
    "credentials": Case(Given("p", "us-central1", CREDENTIALS), KEY, vertex=True),
    "credentials, project of the environment": Case(Given(credentials=CREDENTIALS), PROJECT, vertex=True),
    "vertex by the environment": Case(Given(), {**VERTEX, **PROJECT}),
    "vertex by the other name": Case(Given(), {"GOOGLE_GENAI_USE_ENTERPRISE": "1", **PROJECT}),
    "vertex with both": Case(Given(), {**VERTEX, **PROJECT, **KEY}),
    "express": Case(Given(api_key="k"), VERTEX),
    "express, key of the environment": Case(Given(), {**VERTEX, **KEY}),
    "express, not the project of the environment": Case(Given(api_key="k"), {**VERTEX, **PROJECT}),
    "key and project": Case(Given("p", "us-central1", api_key="k"), vertex=True),
    "vertex and url": Case(Given("p", "us-central1", CREDENTIALS, base_url=BASE), vertex=True),
    "vertex, url of the environment": Case(
        Given("p", "us-central1", CREDENTIALS), {"GOOGLE_VERTEX_BASE_URL": BASE}, vertex=True
    ),
    "vertex, version": Case(Given("p", "us-central1"), {"GOOGLE_GENAI_API_VERSION": "v1"}, vertex=True),
    "not vertex by the environment": Case(Given(), {"GOOGLE_GENAI_USE_VERTEXAI": "false", **KEY, **PROJECT}),
}
MODELS: Final = {
    "plain": "gemini-3-flash",
    "full": "models/gemini-3-flash",
    "tuned": "tunedModels/my-model-1",
    "publisher": "publishers/google/models/gemini-3-flash",
    "another's": "meta/llama-4",
    "endpoint": "projects/other/locations/us-east1/endpoints/123",
}


def sdk_request(case: Case, model: str) -> tuple[str, str | None, bool]:
    """The URL that the SDK asks, with what key, and whether with a token."""
    given = case.given
    client = Client(
        vertexai=case.vertex,
        project=given.project,
        location=given.location,
        credentials=given.credentials,
        api_key=given.api_key,
        http_options=HttpOptions(base_url=given.base_url) if given.base_url else None,
    )
    api: Any = client._api_client
    path = f"{_transformers.t_model(api, model)}:streamGenerateContent?alt=sse"
    request = api._build_request("post", path, {}, None)
    with_token = bool(api.vertexai and (api.project or api.location) and not api.api_key)
    client.close()
    return request.url, request.headers.get("x-goog-api-key"), with_token


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("name", ["key", "project", "express"])
def test_models_are_named_as_the_sdk_names_them(name: str, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(CASES[name], model, monkeypatch)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_addresses_and_keys_are_the_sdks(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case, "m", monkeypatch)


def check(case: Case, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.environ.items():
        monkeypatch.setenv(name, value)
    access = access_of(case.given, case.environ)
    assert isinstance(access, Access)
    ours = (access.address.url(model, "stream"), access.key, access.key is None)
    assert ours == sdk_request(case, model)
    assert access.credentials is case.given.credentials


def test_a_project_in_the_environment_and_no_key_is_vertex() -> None:
    access = access_of(Given(), {"GOOGLE_CLOUD_PROJECT": "p"})
    assert isinstance(access, Access)
    assert access.address.url("m", "whole") == (
        "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/m:generateContent"
    )


def test_a_url_without_a_location_still_has_its_path() -> None:
    access = access_of(Given("p", credentials=CREDENTIALS, base_url=BASE), {})
    assert isinstance(access, Access)
    path = "/v1beta1/projects/p/locations/global/publishers/google/models/m:countTokens"
    assert access.address.url("m", "count") == BASE + path


@pytest.mark.parametrize(
    ("given", "environ", "named"),
    [
        (Given(), {}, "GOOGLE_API_KEY"),
        (Given(), {"GOOGLE_GENAI_USE_VERTEXAI": "0", "GOOGLE_CLOUD_PROJECT": "p"}, "api_key"),
        (Given(base_url=BASE), {}, "GEMINI_API_KEY"),
        (Given(credentials=CREDENTIALS), {}, "GOOGLE_CLOUD_PROJECT"),
    ],
)
def test_what_is_missing_is_named(given: Given, environ: dict[str, str], named: str) -> None:
    refused = access_of(given, environ)
    assert isinstance(refused, Unsupported)
    assert named in refused.message


def test_nothing_that_is_shown_holds_a_key() -> None:
    model = GoogleModel("m", api_key="sk-secret")
    shown = f"{model!r} {access_of(model.given, {})!r} {Given(credentials=CREDENTIALS, api_key='sk-secret')!r}"
    assert "secret" not in shown
    assert "Credentials" not in shown


@pytest.mark.parametrize("name", ["../x", "a?b", "a&b", "a#b", "a%2e", " ", "a b", "a\\b"])
def test_names_that_are_none(name: str) -> None:
    assert not is_model_name(name)
    with pytest.raises(ConfigurationError):
        GoogleModel(name, api_key="k")


def test_settings_that_cannot_be() -> None:
    client = Client(api_key="k")
    impossible: list[Callable[[], GoogleModel]] = [
        lambda: GoogleModel("m", api_key="k", credentials=CREDENTIALS),
        lambda: GoogleModel("m", client=client, api_key="k"),
        lambda: GoogleModel("m", client="k"),  # type: ignore[arg-type]  # that is the test
        lambda: GoogleModel("m", max_tokens=0),
        lambda: GoogleModel(""),
    ]
    for make in impossible:
        with pytest.raises(ConfigurationError):
            make()
    client.close()


def test_a_model_belongs_to_its_service() -> None:
    assert GoogleModel("gemini-3", api_key="k").name == "google:gemini-3"
    assert GoogleModel("m", api_key="k").provider().portable
    client = Client(api_key="k")
    given = GoogleModel("m", client=client, streams=False).provider()
    assert (given.portable, given.streams) == (False, False)
    client.close()
