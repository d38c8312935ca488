"""Where credentials, the region and the endpoint come from, and what is said where they are missing."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # it has no types
import pytest
from botocore.credentials import RefreshableCredentials  # type: ignore[import-untyped]
from botocore.session import Session as BotocoreSession  # type: ignore[import-untyped]

from punk.core.failures import Failure, Unsupported
from punk.providers.base import TransportError
from punk.providers.bedrock.access import AwsAccess, AwsSession
from punk.providers.bedrock.transport import BedrockClients, BedrockTransport
from tests.providers.bedrock.answers import message
from tests.providers.bedrock.aws import BODY, KEY, MODEL, SECRET, keyed
from tests.support.aio import run
from tests.support.server import Answer, Server, serve
from tests.support.whole import whole

REGION = "eu-west-1"
BEARER = "bedrock-api-key-0123456789"


@pytest.fixture
def there() -> object:
    with serve(Answer((message(),))) as server:
        yield server


def asked(server: Server, access: AwsAccess, session: AwsSession | None = None) -> str:
    """The authorization with which a request comes."""
    run(whole(BedrockTransport(BedrockClients(access, session), MODEL), BODY))
    return server.requests[-1].headers["authorization"]


def refused(access: AwsAccess, session: AwsSession | None = None) -> Failure:
    transport = BedrockTransport(BedrockClients(access, session), MODEL)

    async def main() -> Failure:
        failures = []
        for doing in (transport.prepare, transport.open):
            with pytest.raises(TransportError) as caught:
                await doing(BODY)
            failures.append(caught.value.failure)
        assert failures[0] == failures[1]
        return failures[0]

    return run(main())


def own_session(**fields: str) -> AwsSession:
    session: AwsSession = boto3.Session(**fields)
    return session


def test_given_keys_win_over_the_environments(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "environments")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    authorization = asked(there, AwsAccess(REGION, KEY, SECRET, endpoint_url=there.base))
    assert f"Credential={KEY}/" in authorization
    assert "x-amz-security-token" not in there.requests[-1].headers


def test_static_keys_ask_no_server(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", there.base)
    assert KEY in asked(there, AwsAccess(REGION, KEY, SECRET, endpoint_url=there.base))
    assert len(there.requests) == 1


def test_the_environments_token_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", f" {BEARER}\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert asked(there, AwsAccess(REGION, endpoint_url=there.base)) == f"Bearer {BEARER}"

    async def main() -> tuple[str, ...]:
        stream = await BedrockTransport(BedrockClients(AwsAccess(REGION, endpoint_url=there.base)), MODEL).open(BODY)
        await stream.close()
        return stream.secrets

    assert run(main()) == (BEARER,)


def test_a_token_is_not_sent_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    failure = refused(AwsAccess(REGION, endpoint_url="http://bedrock.example.com"))
    assert isinstance(failure, Unsupported)
    assert "https" in failure.message


def test_the_environment_says_keys_region_and_endpoint(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"{there.base}/under/")
    assert f"{KEY}/" in asked(there, AwsAccess())
    assert "/ap-south-1/bedrock/" in there.requests[-1].headers["authorization"]
    assert there.requests[-1].path.startswith("/under/model/")


@pytest.mark.parametrize(
    ("given", "sessions", "region"),
    [(None, None, "eu-north-1"), ("us-west-2", None, "us-west-2"), (None, "us-east-2", "us-east-2"), (None, "", None)],
)
def test_the_region_by_the_name_that_all_tools_know(
    monkeypatch: pytest.MonkeyPatch, there: Server, given: str | None, sessions: str | None, region: str | None
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    if sessions is None:
        session, access = None, AwsAccess(given, KEY, SECRET, endpoint_url=there.base)
    else:
        if not sessions:
            monkeypatch.delenv("AWS_DEFAULT_REGION")
        fields = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
        session = own_session(**fields, **({"region_name": sessions} if sessions else {}))
        access = AwsAccess(given, endpoint_url=there.base)
    assert f"/{region or 'eu-north-1'}/bedrock/" in asked(there, access, session)


def test_given_keys_need_no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    keys = AwsAccess(REGION, KEY, SECRET, endpoint_url=there.base)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert f"{KEY}/" in asked(there, keys)
    for access in (AwsAccess(REGION, endpoint_url=there.base), replace(keys, profile_name="nobody")):
        failure = refused(access)
        assert isinstance(failure, Unsupported)
        assert "nobody" in failure.message
    # One that is there still says where to ask.
    (tmp_path / "config").write_text("[profile mine]\nregion=us-west-2\n")
    assert "/us-west-2/" in asked(there, replace(keys, region_name=None, profile_name="mine"))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert "/us-west-2/" in asked(there, replace(keys, region_name=None))


def test_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    (tmp_path / "credentials").write_text(
        f"[mine]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n[empty]\nx=y\n"
    )
    (tmp_path / "config").write_text("[profile mine]\nregion=us-west-2\n")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    authorization = asked(there, AwsAccess(profile_name="mine", endpoint_url=there.base))
    assert f"{KEY}/" in authorization
    assert "/us-west-2/" in authorization
    for name in ("nobody", "empty"):
        failure = refused(AwsAccess(REGION, profile_name=name, endpoint_url=there.base))
        assert isinstance(failure, Unsupported)
    assert len(there.requests) == 1


def test_a_given_session_is_used(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    session = own_session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-west-2")
    authorization = asked(there, AwsAccess(endpoint_url=there.base), session)
    assert f"{KEY}/" in authorization
    assert "/us-west-2/" in authorization
    # As boto3 has it: a session that has no credentials lets the token speak.
    assert asked(there, AwsAccess(endpoint_url=there.base), own_session(region_name=REGION)) == f"Bearer {BEARER}"


class Renewing:
    """Gives keys that expire at once, each time others; says in which threads it was asked."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self) -> dict[str, str]:
        self.threads.append(threading.current_thread())
        if len(self.threads) > 3:
            raise OSError("no more")
        soon = datetime.now(UTC) + timedelta(seconds=1)
        return {
            "access_key": f"AKID{len(self.threads)}",
            "secret_key": SECRET,
            "token": "t",
            "expiry_time": soon.isoformat(),
        }


def test_credentials_that_expire_are_renewed_in_a_thread(there: Server) -> None:
    renewing = Renewing()
    botocore = BotocoreSession()
    botocore._credentials = RefreshableCredentials.create_from_metadata(renewing(), renewing, "test")
    session: AwsSession = boto3.Session(botocore_session=botocore, region_name=REGION)
    transport = BedrockTransport(BedrockClients(AwsAccess(endpoint_url=there.base), session), MODEL)

    async def main() -> None:
        for _ in range(2):
            await whole(transport, BODY)
        with pytest.raises(TransportError) as caught:
            await whole(transport, BODY)
        assert caught.value.failure.message

    run(main())
    used = [request.headers["authorization"] for request in there.requests]
    assert ["AKID2/" in used[0], "AKID3/" in used[1]] == [True, True]
    assert threading.main_thread() not in renewing.threads[1:]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    no_region = refused(AwsAccess())
    assert isinstance(no_region, Unsupported)
    assert "AWS_REGION" in no_region.message
    assert "region_name" in no_region.message
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    half = refused(AwsAccess(REGION))
    assert isinstance(half, Unsupported)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    nothing = refused(AwsAccess(REGION))
    assert isinstance(nothing, Unsupported)
    assert "AWS_BEARER_TOKEN_BEDROCK" in nothing.message
    assert "AWS_PROFILE" in nothing.message


def test_what_was_missing_may_be_there_later(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    transport = BedrockTransport(BedrockClients(AwsAccess(REGION, endpoint_url=there.base)), MODEL)

    async def main() -> None:
        with pytest.raises(TransportError):
            await transport.prepare(BODY)
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
        await transport.prepare(BODY)
        await whole(transport, BODY)

    run(main())


def test_two_at_once_look_once(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    made = 0
    session = boto3.Session

    def counting(**fields: object) -> object:
        nonlocal made
        made += 1
        return session(**fields)

    monkeypatch.setattr(boto3, "Session", counting)
    transport = keyed(there)

    async def main() -> None:
        await asyncio.gather(*(transport.prepare(BODY) for _ in range(5)))

    run(main())
    assert made == 1


@pytest.mark.parametrize(
    ("access", "part"),
    [
        (AwsAccess(access_key_id=KEY), "belong together"),
        (AwsAccess(secret_access_key=SECRET), "belong together"),
        (AwsAccess(session_token="t"), "belongs to keys"),
        (AwsAccess(access_key_id="", secret_access_key=""), "empty"),
    ],
)
def test_keys_come_together_or_not_at_all(access: AwsAccess, part: str) -> None:
    assert part in (access.fault or "")
    assert SECRET not in repr(access)


def test_whole_keys_have_no_fault() -> None:
    assert AwsAccess().fault is None
    assert AwsAccess(REGION, KEY, SECRET, "t").fault is None
