"""What a caller gives to be let in to Bedrock: keys, a profile, a session, and where the service is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, final


class AwsSession(Protocol):
    """A `boto3.Session`, as far as it is looked at here."""

    @property
    def region_name(self) -> str | None:
        """The region it is in."""

    def get_credentials(self) -> object:
        """Its credentials, None where it has none."""


@final
@dataclass(frozen=True, slots=True)
class AwsAccess:
    """The settings of an AWS session; None stands for what the environment and Amazon's own files say."""

    region_name: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile_name: str | None = None
    endpoint_url: str | None = field(default=None, repr=False)

    @property
    def fault(self) -> str | None:
        """What is wrong with the keys, None if nothing is: they come together or not at all."""
        if "" in (self.access_key_id, self.secret_access_key, self.session_token, self.profile_name):
            return "a key, token or profile name is empty: pass none, or what it is"
        if bool(self.access_key_id) != bool(self.secret_access_key):
            return "aws_access_key_id and aws_secret_access_key belong together: pass both, or neither"
        if self.session_token and not self.access_key_id:
            return "aws_session_token belongs to keys: pass aws_access_key_id and aws_secret_access_key, too"
        return None
