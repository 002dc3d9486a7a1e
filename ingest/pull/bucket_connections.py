"""What is asked for to read from a bucket, of each kind."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from ingest.errors import BadInput
from ingest.pull.connector import Connection
from ingest.pull.web import checked_link


class BucketConnection(Connection):
    """What all kinds have."""

    endpoint: str | None = Field(None, title="Address", description="Only for a service of another provider: its address.", examples=["https://minio.example.com"])
    public: bool = Field(False, title="Open to everybody", description="The bucket can be read without a sign-in.")

    @field_validator("endpoint")
    @classmethod
    def _is_link(cls, endpoint: str | None) -> str | None:
        try:
            return str(checked_link(endpoint)).rstrip("/") if endpoint else None
        except BadInput as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _signs_in(self) -> Self:
        """The machine's own rights are only told to the provider that gave them."""
        if self.endpoint and not self.public and not any(isinstance(getattr(self, name), SecretStr) for name in type(self).model_fields):
            raise ValueError("with an address of another provider, say how to sign in there")
        return self


class S3Connection(BucketConnection):
    """Which bucket, and the keys."""

    bucket: str = Field(title="Bucket", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$", examples=["my-usage"])
    region: str = Field("us-east-1", title="Region", pattern=r"^[a-z0-9-]+$", examples=["eu-central-1"])
    access_key_id: str | None = Field(None, title="Access key", description="None for the rights that the machine of the portal has.", examples=["AKIAIOSFODNN7EXAMPLE"])
    secret_access_key: SecretStr | None = Field(None, title="Secret key")
    session_token: SecretStr | None = Field(None, title="Session token", description="Only with keys that were lent for a time.")


class GoogleConnection(Connection):
    """Which bucket, and the service account."""

    bucket: str = Field(title="Bucket", pattern=r"^[a-z0-9][a-z0-9._-]{1,220}$", examples=["my-usage"])
    service_account: SecretStr | None = Field(None, title="Service account", description="The whole text of its key file (JSON), or file: and its path; none for the rights that the machine of the portal has.")
    public: bool = Field(False, title="Open to everybody", description="The bucket can be read without a sign-in.")


class AzureConnection(BucketConnection):
    """Which container of which account, and one way to sign in."""

    account: str = Field(title="Storage account", pattern=r"^[a-z0-9]{3,24}$", examples=["mycompanyusage"])
    container: str = Field(title="Container", pattern=r"^[a-z0-9$][a-z0-9-]{1,62}$", examples=["usage"])
    account_key: SecretStr | None = Field(None, title="Account key", description="A shared access signature with only reading and listing is better.")
    sas: SecretStr | None = Field(None, title="Shared access signature", description="The text that begins with sv= or ?sv=.")
    tenant_id: str | None = Field(None, title="Tenant", description="For an app registration, with client and its secret.")
    client_id: str | None = Field(None, title="Client")
    client_secret: SecretStr | None = Field(None, title="Client secret")
