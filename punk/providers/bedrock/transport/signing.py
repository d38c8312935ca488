"""Finds Bedrock and the credentials for it, and signs requests, through boto3 and botocore."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast, final
from urllib.parse import urlsplit

from punk.core.failures import Unsupported
from punk.providers.base import TransportError
from punk.providers.bedrock.access import AwsAccess, AwsSession
from punk.providers.secrets import check_sendable, presentable, secrets_of_address

SERVICE: Final = "bedrock-runtime"
SIGNING_NAME: Final = "bedrock"
BEARER: Final = "AWS_BEARER_TOKEN_BEDROCK"
ENDPOINTS: Final = "AWS_ENDPOINT_URL"

NO_REGION: Final = Unsupported("there is no AWS region: set AWS_REGION (or AWS_DEFAULT_REGION), or pass region_name")
NO_CREDENTIALS: Final = Unsupported(
    f"there are no credentials for AWS: set {BEARER}, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
    "or pass keys, a profile_name or a session"
)
PLAIN_TOKEN: Final = Unsupported(f"the token in {BEARER} is sent over https alone: give endpoint_url with https")


@final
@dataclass(frozen=True, slots=True)
class Token:
    """A token of the environment's that stands for credentials."""

    text: str = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class Keys:
    """botocore's credentials, which may have to be renewed, for what takes time."""

    credentials: object = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class Reached:
    """Where the service is, and what lets us in."""

    endpoint: str = field(repr=False)
    region: str
    auth: Token | Keys


Signed: TypeAlias = tuple[dict[str, str], tuple[str, ...]]
"""The headers of a request, and what in them must stand in no text."""


def reach(access: AwsAccess, session: AwsSession | None) -> Reached:
    """Find the service and the credentials. Takes time. Raises `TransportError`."""
    import boto3  # type: ignore[import-untyped]  # it has no types
    import botocore  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import NoRegionError  # type: ignore[import-untyped]

    given = session is not None or access.profile_name is not None or access.access_key_id is not None
    try:
        known = cast("boto3.Session", session) or boto3.Session(
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
            aws_session_token=access.session_token,
            botocore_session=_botocore_session(access),
            profile_name=access.profile_name,
        )
        # botocore itself reads AWS_DEFAULT_REGION, but not the name that all other tools of Amazon's go by.
        region = access.region_name or (session and session.region_name) or os.environ.get("AWS_REGION") or None
        # Nothing is asked through this client: it knows the endpoint. Unsigned, it looks for no credentials.
        unsigned = Config(signature_version=botocore.UNSIGNED)
        asked = {"region_name": region, "endpoint_url": access.endpoint_url, "config": unsigned}
        meta = known.client(SERVICE, **asked).meta
        token = os.environ.get(BEARER, "").strip()
        credentials = None if token and not given else known.get_credentials()
    except NoRegionError as error:
        raise TransportError(NO_REGION) from error
    except Exception as error:  # whatever a file, a process or a server may be the cause of
        raise _unreached(error, _secrets_of(access)) from error
    endpoint = str(meta.endpoint_url).rstrip("/")
    if credentials is not None:
        check_sendable([access.session_token])
        return Reached(endpoint, str(meta.region_name), Keys(credentials))
    if not token or access.profile_name is not None:
        raise TransportError(NO_CREDENTIALS)
    if urlsplit(endpoint).scheme != "https" and urlsplit(endpoint).hostname not in ("127.0.0.1", "::1", "localhost"):
        raise TransportError(PLAIN_TOKEN)
    check_sendable([token])
    return Reached(endpoint, str(meta.region_name), Token(token))


def _botocore_session(access: AwsAccess) -> object:
    """What boto3 looks things up with. Keys that are given need no profile: one that the environment names, and no file
    has, is not looked for."""
    from botocore.session import Session  # type: ignore[import-untyped]

    found = Session()
    if access.access_key_id is None or found.profile in (None, *found.available_profiles):
        return found
    return Session({"profile": (None, None, None, None)})  # by no variable, that is


def _secrets_of(access: AwsAccess) -> tuple[str, ...]:
    variables = (BEARER, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    keys = (access.secret_access_key, access.session_token, *map(os.environ.get, variables))
    addresses = (access.endpoint_url, *(value for name, value in os.environ.items() if name.startswith(ENDPOINTS)))
    found = (secret for address in addresses if address for secret in secrets_of_address(address))
    return (*(key for key in keys if key), *found)


def _unreached(error: Exception, secrets: tuple[str, ...] = ()) -> TransportError:
    told = presentable(str(error), secrets) or type(error).__name__
    return TransportError(Unsupported(f"AWS cannot be reached with these settings: {told}"), secrets)


async def signed(reached: Reached, url: str, content: bytes, headers: dict[str, str]) -> Signed:
    """The headers of a request. Raises `TransportError` where credentials cannot be renewed."""
    from botocore.credentials import RefreshableCredentials  # type: ignore[import-untyped]

    match reached.auth:
        case Token(text=token):
            return {**headers, "authorization": f"Bearer {token}"}, (token,)
        case Keys(credentials=credentials):
            try:
                if isinstance(credentials, RefreshableCredentials):
                    # What expires is renewed here, over the network.
                    return await asyncio.to_thread(_signed_by, credentials, reached.region, url, content, headers)
                return _signed_by(credentials, reached.region, url, content, headers)
            except Exception as error:
                raise _unreached(error) from error


def _signed_by(credentials: object, region: str, url: str, content: bytes, headers: dict[str, str]) -> Signed:
    from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]

    frozen = credentials.get_frozen_credentials()  # type: ignore[attr-defined]  # botocore's, which has no types
    request = AWSRequest("POST", url, headers=headers, data=content)
    SigV4Auth(frozen, SIGNING_NAME, region).add_auth(request)
    return dict(request.headers.items()), tuple(secret for secret in (frozen.secret_key, frozen.token) if secret)
