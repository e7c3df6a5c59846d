"""A process that is not ours stays as it was: of a notebook, or of a server.

Each test has a process of its own, so that no other test has changed it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import world
from tests.services.postgres import Postgres

ROOT = Path(__file__).parents[1]

STRANGERS = """
import json, sys
import sqlalchemy
from datetime import timedelta

folder, url, timeout = sys.argv[1], sys.argv[2], timedelta(seconds=7)

def ask(engine):
    '''Return how long a connection of an engine waits.'''
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            return connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        names = ("statement_timeout", "lock_timeout")
        limits = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
        parameters = connection.connection.dbapi_connection.info.get_parameters()
        names = ("connect_timeout", "keepalives_idle", "tcp_user_timeout")
        return limits + [parameters.get(name) for name in names]

def make():
    if url.startswith("sqlite"):
        return sqlalchemy.create_engine(f"sqlite:///{folder}/gen3.sqlite3")
    return sqlalchemy.create_engine(url)

made_before = make()
before = ask(made_before)

from calibstate.adapters import butler
from calibstate.adapters.butler.opening import Repository

reader = butler.open_reader(folder, timeout=timeout)
assert reader.collections(["nothing"]) == {}
assert reader.holdings(["nothing"]) == {}
writer = butler.open_writer(folder, timeout=timeout)

after = [ask(made_before), ask(make())]
ours = [
    ask(reader._butler._registry._db._engine),
    ask(writer._butler._registry._db._engine),
    ask(Repository(folder, timeout).engine()),
]
print(json.dumps([before, after, ours]))
"""


def run(code: str, *arguments: str) -> Any:
    """Run code in a fresh process, and return what it prints as JSON."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_strangers_engine_of_sqlite_waits_as_long_as_it_did(tmp_path: Path) -> None:
    world.make_repo(tmp_path / "repository").close()

    before, after, ours = run(STRANGERS, str(tmp_path / "repository"), "sqlite")

    assert after == [before, before] == [5000, 5000]
    assert ours == [7000, 7000, 7000]


def test_a_strangers_engine_of_postgresql_keeps_its_limits(tmp_path: Path, postgres: Postgres) -> None:
    namespace = postgres.namespace()
    world.make_repo(tmp_path / "repository", db=postgres.url, namespace=namespace).close()

    before, after, ours = run(STRANGERS, str(tmp_path / "repository"), postgres.url)

    assert after == [before, before] == [["0", "0", None, None, None]] * 2
    assert ours == [["7s", "7s", "7", "3", "7000"]] * 3


STATE = """
import gc, importlib, json, locale, logging, os, pkgutil, signal, socket, sys, threading, warnings

LIBRARIES = [
    "backoff", "boto3", "botocore.session", "cronsim", "deepdiff", "jira", "lsst.daf.butler",
    "lsst.daf.butler.registry.databases.postgresql", "lsst.daf.butler.registry.databases.sqlite",
    "lsst.pipe.base", "lsst.resources.s3", "lsst.rucio.register.rucio_interface", "numpy", "psycopg",
    "pydantic", "requests", "rich.console", "rich.progress", "rucio.client", "rucio.common.config",
    "ruamel.yaml", "sqlalchemy.dialects.postgresql.psycopg", "typer", "yaml",
]
for name in LIBRARIES:
    importlib.import_module(name)

from sqlalchemy.event import registry

OF_OTHERS = ("boto3", "botocore", "jira", "lsst", "requests", "rucio", "sqlalchemy", "urllib3")

CLASSES = {id(value) for module in list(sys.modules.values()) if module is not None
           for value in list(vars(module).values()) if isinstance(value, type)}
# Who listens to one of these hears of everybody's objects.

def is_of_others(name):
    return name.partition(".")[0] in OF_OTHERS

def attributes(module):
    '''Return what a library consists of: functions, classes, and their methods.'''
    found = {}
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            for method, function in list(vars(value).items()):
                if callable(function):
                    found[f"{name}.{method}"] = id(function)
        elif callable(value):
            found[name] = id(value)
    return found

def loggers():
    told = {"": logging.root}
    told |= {name: logger for name, logger in logging.root.manager.loggerDict.items()
             if isinstance(logger, logging.Logger) and not name.startswith("calibstate")}
    return told

def state():
    return {
        "signals": {int(number): repr(signal.getsignal(number)) for number in signal.valid_signals()},
        "warnings": repr(warnings.filters),
        "showwarning": repr(warnings.showwarning),
        "last resort": repr(logging.lastResort),
        "environment": dict(os.environ),
        "garbage": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.get_debug()],
        "sockets": socket.getdefaulttimeout(),
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.unraisablehook)],
        "streams": [repr(sys.stdout), repr(sys.stderr)],
        "path": list(sys.path),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "listeners": sorted(repr(key) for key in registry._key_to_collection if key[0] in CLASSES),
    }

def of_loggers():
    return {name: [logger.level, logger.propagate, logger.disabled, repr(logger.handlers)]
            for name, logger in loggers().items()}

def of_libraries():
    return {name: attributes(module) for name, module in list(sys.modules.items())
            if module is not None and is_of_others(name)}

before, their_loggers, libraries = state(), of_loggers(), of_libraries()

import calibstate
PROGRAMS = {"calibstate.__main__", "calibstate.demo.rucio.host", "calibstate.demo.construction.onemachine"}
names = [module.name for module in pkgutil.walk_packages(calibstate.__path__, "calibstate.")]
for name in names:
    if name not in PROGRAMS:
        importlib.import_module(name)

def changes():
    changed = [name for name, was in before.items() if state()[name] != was]
    now = of_loggers()
    changed += [f"logger {name}" for name, was in their_loggers.items() if now[name] != was]
    # A logger that a library begins to use later is as all are at first.
    for name in now.keys() - their_loggers.keys():
        level, _, _, handlers = now[name]
        if level or handlers != "[]":
            changed.append(f"new logger {name}")
    now = of_libraries()
    changed += [f"{library}.{name}" for library, was in libraries.items() for name, value in was.items()
                if now[library].get(name) != value]
    return changed
"""

OPENED = """
from calibstate.adapters import repositories
from calibstate.adapters.butler import open_reader, open_writer
changed = changes()
for reader in (repositories.open_reader(sys.argv[1]), open_reader(sys.argv[1]), open_writer(sys.argv[1])):
    reader.holdings(["nothing"], files=["nothing"])
    reader.digests(["nothing"])
    reader.examine()
    reader.close()
print(json.dumps([len(names), changed, changes()]))
"""


def test_the_modules_of_calibstate_and_what_they_open_change_nothing_of_the_process(tmp_path: Path) -> None:
    world.make_repo(tmp_path / "repository").close()

    modules, by_import, by_use = run(STATE + OPENED, str(tmp_path / "repository"))

    assert modules > 300
    assert by_import == []
    assert by_use == []


DONE_TO_IT = {
    "a listener": "from sqlalchemy import Engine, event; event.listen(Engine, 'begin', lambda engine: None)",
    "a handler": "logging.getLogger('lsst').addHandler(logging.NullHandler())",
    "a level": "logging.getLogger('lsst.utils').setLevel(logging.ERROR)",
    "a filter": "warnings.simplefilter('ignore')",
    "a variable": "os.environ['RUCIO_HOME'] = '/nowhere'",
    "a signal": "signal.signal(signal.SIGTERM, signal.default_int_handler)",
    "frozen garbage": "gc.freeze()",
    "another method": "import requests; requests.Session.send = lambda *_: None",
}


@pytest.mark.parametrize("what", DONE_TO_IT)
@pytest.mark.matrix(1)
def test_what_is_done_to_a_process_would_be_seen(what: str) -> None:
    assert run(f"{STATE}\n{DONE_TO_IT[what]}\nprint(json.dumps(changes()))")
