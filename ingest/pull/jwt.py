"""Sign-ins with a key pair: a short claim that is signed with the private key, as Google and Snowflake take it."""

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ingest.errors import BadInput


def private_key(pem: str, password: str | None = None) -> rsa.RSAPrivateKey:
    """The key in a PEM text. Raises BadInput, which says nothing of the key."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput("The private key can't be read.", "Copy the whole of it, from -----BEGIN to END-----, and give its password where it has one.") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadInput("The private key is not of the kind RSA.", "Make a key pair with RSA, 2048 bits or more.")
    return key


def signed(claims: Mapping[str, str | int], key: rsa.RSAPrivateKey) -> str:
    """The claims, signed (RS256)."""
    parts = ".".join(_web64(json.dumps(each, separators=(",", ":")).encode()) for each in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{parts}.{_web64(key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def fingerprint(key: rsa.RSAPrivateKey) -> str:
    """The fingerprint of the public key, as Snowflake writes it."""
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode()}"


def _web64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
