"""Tokens that are had for a sign-in and run out: asked for when they are needed, and again when they are old."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from ingest.errors import BadInput, Refused
from ingest.pull.jwt import private_key, signed
from ingest.pull.web import answered, client, shown
from ingest.pull.web_api import BUSY, member, parsed

EARLY_SECONDS = 60
"""A token is renewed so long before it runs out."""
Form = Callable[[], Mapping[str, str]]


@dataclass
class Token:
    """A bearer token from an address that gives one for a form. `who` is what people call the sign-in."""

    link: str
    form: Form
    who: str
    auth: tuple[str, str] | None = None
    _headers: Mapping[str, str] | None = None
    _until: float = 0

    def __call__(self, fresh: bool) -> Mapping[str, str]:
        """The header with a token that is good for a while."""
        if fresh or self._headers is None or time.monotonic() > self._until:
            body = self._asked()
            seconds = str(member(body, "expires_in") or "3600")
            self._headers = {"authorization": f"Bearer {member(body, 'access_token')}"}
            self._until = time.monotonic() + (float(seconds) if seconds.isdecimal() else 3600) - EARLY_SECONDS
        return self._headers

    def _asked(self) -> object:
        with answered(self.link), client(self.link, auth=self.auth) as web:
            response = web.post(self.link, data=dict(self.form()))
        if response.status_code in BUSY:
            raise Refused(f"{shown(self.link)}, which gives the sign-in, is busy.", "The next run tries again.", status=503)
        if response.status_code >= 400:
            raise Refused(f"{shown(self.link)} doesn't let {self.who} in ({_reason(response)}).", "Check the key or secret: it may have been deleted, have run out, or belong to somebody else; and the clock of this machine.", status=401)
        body = parsed(response.content, self.link)
        if not member(body, "access_token"):
            raise Refused(f"{shown(self.link)} gives no token to {self.who}.", "Check the address of the sign-in.", status=401)
        return body


def google_token(key_json: SecretStr, scopes: str, link: str) -> Token:
    """A token for a Google service account. Raises BadInput where its key can't be read."""
    try:
        account = json.loads(key_json.get_secret_value())
        name, key = account["client_email"], private_key(account["private_key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput("The key of the service account can't be read.", "Copy the whole JSON file that Google gave: it has client_email and private_key.") from None

    def form() -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": name, "scope": scopes, "aud": link, "iat": now, "exp": now + 3600}
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed(claims, key)}

    return Token(link, form, name)


def _reason(response: httpx.Response) -> str:
    """The short name of a refusal, where it has one that is made of plain words."""
    try:
        reason = response.json().get("error")
    except (ValueError, AttributeError):
        reason = None
    return reason if isinstance(reason, str) and len(reason) < 40 and reason.replace("_", "").isalpha() else f"status {response.status_code}"
