"""E-mail, by the host's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate

from typing_extensions import override

from ..errors import Diagnostic, UnreachableError
from ..model.watching import Notice
from ..ports.telling import Teller

__all__ = ["Mail"]

_LIMIT = 60
"""Seconds that the host may take to accept a letter."""

_WHERE = ("/usr/sbin", "/usr/lib")


class Mail(Teller):
    """The ``sendmail`` of the host.

    Parameters
    ----------
    recipients
        Addresses.
    """

    name = "e-mail"

    def __init__(self, recipients: Sequence[str]) -> None:
        self._recipients = tuple(recipients)

    @override
    def tell(self, notice: Notice, subject: str, text: str) -> None:
        folders = os.pathsep.join([os.environ.get("PATH", ""), *_WHERE])
        program = shutil.which("sendmail", path=folders)
        if program is None:
            raise _not_sent("this host has no sendmail")
        letter = EmailMessage()
        letter["Subject"] = subject
        letter["To"] = ", ".join(self._recipients)
        letter["Date"] = formatdate()
        letter["Message-ID"] = f"<{notice.id}@{notice.site}.calibstate>"
        # Nobody answers a program with a program.
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        try:
            sent = subprocess.run(
                [program, "-i", "-t"],
                input=letter.as_bytes(),
                capture_output=True,
                timeout=_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _not_sent(f"sendmail does not run ({type(error).__name__})") from None
        if sent.returncode:
            raise _not_sent(f"sendmail ended with {sent.returncode}")


def _not_sent(why: str) -> UnreachableError:
    words = f"No e-mail was sent: {why}."
    return UnreachableError(
        Diagnostic("Nobody was told", words, hint="It is told again in the next turn.", public=words)
    )
