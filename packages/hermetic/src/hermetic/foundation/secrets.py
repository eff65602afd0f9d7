"""
What a secret looks like: the names under which one is kept, and the texts that are one whatever their name.

Recordings of traffic, the journal and every report ask here, so that all of them take out the same.
"""

from __future__ import annotations

import re
from typing import Final

# Made of characters that need no escape in addresses, cookies and JSON, so that a client that hands it back in a
# later request sends what the recording says.
MARK: Final = "~scrubbed~"
_WORDS = (
    "auth",
    "authorization",
    "authentication",
    "cookie",
    "credential",
    "jwt",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "secret",
    "session",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
)
_SECRET_NAME = re.compile(
    rf"(?:^|[-_. ])(?:{'|'.join(_WORDS)}|(?:api|access|account|client|private|secret|shared)[-_. ]?key)s?(?:$|[-_. ])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
TELLING_FORMS: Final = (
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # JSON Web Token: RFC 7519, a base64url object, then two more parts
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"  # GitHub
    r"|AKIA[0-9A-Z]{16}"  # Amazon access key id
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|sk-[A-Za-z0-9_-]{20,}"  # several API vendors
    r"|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"  # Discord bot token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----"
)
"""
A pattern of texts that are secrets by their form.
"""


def is_secret_name(name: str) -> bool:
    """
    Whether what is kept under this name is a secret: a header, a field, a key, a variable.
    """
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None
