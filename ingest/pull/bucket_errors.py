"""What buckets say when they say no, as sentences. The services put a code into their answer; the rest of it may hold parts of the sign-in and is never shown."""

import re
from dataclasses import dataclass
from typing import Literal

from ingest.errors import BadInput, IngestError, Refused, Unreachable

CODE = re.compile(r"<Code>(\w+)</Code>|\"reason\":\s*\"(\w+)\"")
STATUS = re.compile(r"status code: (\d{3})")
REGION = re.compile(r"<Region>([a-z0-9-]+)</Region>")
BAD_NAME = re.compile(r"(?:Path|path) \"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
NO_KEY = frozenset({"InvalidAccessKeyId", "InvalidSecurity", "authError", "NoAuthenticationInformation", "MissingSecurityHeader", "InvalidAuthenticationInfo", "AuthenticationRequired", "required"})
WRONG_KEY = frozenset({"SignatureDoesNotMatch", "AuthenticationFailed", "InvalidToken", "invalid_grant"})
EXPIRED = frozenset({"ExpiredToken", "TokenRefreshRequired"})
NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"})
OTHER_REGION = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "IncorrectEndpoint"})
BAD_KEY = ("Invalid Access Key", "DecodeCredentials", "ReadPem", "InvalidAccessKey {", "invalid key")
NO_CREDENTIALS = ("metadata/instance", "latest/api/token", "latest/meta-data", "identity/oauth2/token", "computeMetadata", "metadata.google", "oauth2.googleapis.com", "login.microsoftonline.com", "//sts.", "CredentialsProvider", "MissingCredentials")
"""What stands in a failure to sign in, before the bucket was asked."""


@dataclass(frozen=True)
class Told:
    """A failure: the step of a test that it is, and what to say."""

    step: Literal["port", "sign-in", "rights", "path"]
    kind: type[IngestError]
    sentence: str
    todo: str

    def error(self) -> IngestError:
        """To be raised."""
        return self.kind(self.sentence, self.todo)


def told(said: str, called: str, path: str = "") -> Told:
    """What an error or an answer means. `said` is its text; `path` the file that was asked for, where it was one."""
    codes = {found for pair in CODE.findall(said) for found in pair if found}
    status = int(match[1]) if (match := STATUS.search(said)) else 0
    what = f"The file {path} in {called}" if path else called[:1].upper() + called[1:]
    if codes & OTHER_REGION:
        region = REGION.search(said)
        return Told("path", BadInput, f"{what} is in another region{f': {region[1]}' if region else ''}.", "Write that region into the connection.")
    if codes & NO_BUCKET:
        return Told("path", BadInput, f"There is no {called.removeprefix('the ')}.", "Check its name, its region, and the account that it belongs to.")
    if codes & EXPIRED:
        return Told("sign-in", Refused, f"The sign-in for {called} has expired.", "Make new keys, or use some that don't expire.")
    if any(each in said for each in BAD_KEY):
        return Told("sign-in", BadInput, f"The key for {called} can't be read.", "Copy it again, whole.")
    if codes & NO_KEY:
        return Told("sign-in", Refused, f"The sign-in for {called} isn't known there.", "Check the access key, service account or account.")
    if codes & WRONG_KEY or "failed to authenticate" in said:
        return Told("sign-in", Refused, f"The sign-in for {called} was refused: the key is wrong.", "Copy the secret key again, and check the clock of the portal's machine.")
    if any(each in said for each in NO_CREDENTIALS):
        return Told("sign-in", Refused, f"There is nothing to sign in to {called} with: no keys are given, or they can't be used, and the machine of the portal has none of its own.", "Give keys, or give the machine a role.")
    return _by_status(said, status, called, what, path)


def _by_status(said: str, status: int, called: str, what: str, path: str) -> Told:
    if status == 401:
        return Told("sign-in", Refused, f"{what} wants a sign-in that it knows.", "Check the keys.")
    if status == 403:
        return Told("rights", Refused, f"{what} may not be {'read' if path else 'listed'} with this sign-in.", f"Give it the right to {'read its files' if path else 'list it'}; the form shows which that is.")
    if status == 404 or "not found" in said:
        return Told("path", Unreachable, f"{what} isn't there{' any more' if path else ''}.", "The next run looks again." if path else "Check the name and the account.")
    if "invalid path" in said or "Could not parse path" in said:
        name = match[1] if (match := BAD_NAME.search(said)) else "?"
        return Told("path", BadInput, f"{called[:1].upper() + called[1:]} has a file whose name can't be used: {name!r}.", "Rename it (no //, .. and line breaks), or name a folder that it isn't in.")
    if status >= 500 or status == 429:
        return Told("port", Unreachable, f"The service of {called} has trouble of its own ({status}).", "The next run tries again.")
    if status:
        return Told("path", Refused, f"{what}: the service answered with {status}.", "Check the address of the service and the names.")
    return Told("port", Unreachable, f"{what} gave no whole answer.", "Nothing was taken; the next run tries again.")
