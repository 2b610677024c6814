"""Fixtures of pytest for tests against mockaa, a local stand-in for an Account Aggregator."""

from .crypto import SessionKey, SignatureError, SigningKey, open_compact, read_jwks, verify
from .http import ApiError
from .inbox import Inbox, Webhook
from .rebit import Account, Artefact, Fiu
from .report import Report
from .sandbox import Sandbox, find_binary
from .unaport import UnaportFiu
from .world import World

__all__ = [
    "Account",
    "ApiError",
    "Artefact",
    "Fiu",
    "Inbox",
    "Report",
    "Sandbox",
    "SessionKey",
    "SignatureError",
    "SigningKey",
    "UnaportFiu",
    "Webhook",
    "World",
    "find_binary",
    "open_compact",
    "read_jwks",
    "verify",
]
