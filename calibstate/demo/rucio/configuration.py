"""What Rucio's server and its clients read when they start.

A configuration with a database in it makes a server, one without a client;
so each has a home of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Login", "write_client", "write_server"]


@dataclass(frozen=True)
class Login:
    """How somebody is known to the server."""

    account: str
    username: str
    password: str


ROOT = Login("root", "demonstrator", "loopback-only")
"""The administrator, made with the database."""

_POLICY = """\
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = identity
support = nobody
support_rucio = nobody
"""

_SERVER = """\
[common]
loglevel = ERROR
logdir = {home}/log
mailtemplatedir = {templates}

[database]
default = {database}
pool_size = 10
max_overflow = 20

[bootstrap]
userpass_identity = {root.username}
userpass_pwd = {root.password}
userpass_email = nobody@localhost

[alembic]
cfg = {home}/etc/alembic.ini

[conveyor]
transfertool = fts3

[api]
endpoints_remove = dirac, opendata, opendata_public

{policy}"""

_CLIENT = """\
[client]
rucio_host = {url}
auth_host = {url}
auth_type = userpass
username = {login.username}
password = {login.password}
account = {login.account}
request_retries = 1

{policy}"""

# Rucio marks a new database as migrated, for which alembic wants to log.
_MIGRATIONS = """\
[alembic]
script_location = rucio:db/sqla/migrate_repo
sqlalchemy.url = {database}

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = ERROR
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[formatter_plain]
format = %(name)s: %(message)s
"""


def write_server(home: Path, database: str, environment: Path) -> None:
    """Write a server's home.

    Parameters
    ----------
    home
        A folder; made if need be.
    database
        SQLAlchemy URL.
    environment
        The virtual environment that Rucio is installed in: its wheel puts
        the texts of its mails there.
    """
    (home / "log").mkdir(parents=True, exist_ok=True)
    templates = environment / "rucio" / "etc" / "mail_templates"
    text = _SERVER.format(home=home, database=database, templates=templates, root=ROOT, policy=_POLICY)
    _write(home / "etc" / "rucio.cfg", text)
    _write(home / "etc" / "alembic.ini", _MIGRATIONS.format(database=database))


def write_client(home: Path, url: str, login: Login) -> None:
    """Write the home of whoever speaks to a server."""
    _write(home / "etc" / "rucio.cfg", _CLIENT.format(url=url, login=login, policy=_POLICY))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
