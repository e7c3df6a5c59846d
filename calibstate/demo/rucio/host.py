"""Hosts Rucio's own REST server, and runs its daemons when told to.

This program is started by its path with the interpreter of the server's
environment, which has `rucio` and not calibstate.  Nothing of Rucio is
replaced: the functions behind its daemons' commands are called, once each,
without the seconds they wait to find out how many of them there are.

Arguments are a listening socket's descriptor and the file for the log of
requests; with ``--new`` the database is made first.  Commands come by
standard input, one a line, each answered by one line of JSON: ``round
[daemon …]``, ``auto SECONDS`` (0: no more), ``under-way [scope]``,
``forget-tokens``.  The end of input, so also the end of whoever started it,
ends it.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

ROUND = (
    "injector",
    "evaluator",
    "submitter",
    "poller",
    "finisher",
    "abacus-account",
    "abacus-rse",
    "abacus-collection",
    "cleaner",
)
"""What one round runs: a file that is asked for is on its way after one."""

DATABASE_WITHIN = 60
"""Seconds within which the database must answer."""

Daemons = dict[str, Callable[[], object]]


def main(arguments: list[str]) -> None:
    """Serve until the input ends."""
    # Answers go out alone: Rucio prints now and then.
    answers = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.ERROR)
    descriptor, log, *options = arguments
    if "--new" in options:
        make_database()
    daemons = load_daemons()
    serve(int(descriptor), log)
    answer(answers, "ready")
    for command in commands(daemons):
        answer(answers, obey(command, daemons))
    # Threads that serve a connection would keep the process.
    os._exit(0)


def answer(descriptor: int, value: object) -> None:
    """Write one line of JSON."""
    os.write(descriptor, json.dumps(value).encode() + b"\n")


def make_database() -> None:
    """Make the tables and the root account, once the database answers."""
    from rucio.common.config import config_get
    from rucio.db.sqla.util import build_database, create_base_vo, create_root_account

    wait_for_database(config_get("database", "default", check_config_table=False))
    build_database()
    create_base_vo()
    create_root_account()


def wait_for_database(url: str) -> None:
    """Return when the database answers; it is started beside us."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    engine = create_engine(url)
    deadline = time.monotonic() + DATABASE_WITHIN
    while True:
        try:
            engine.connect().close()
            break
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    engine.dispose()


def serve(descriptor: int, log: str) -> None:
    """Answer requests in the background."""
    from rucio.web.rest.flaskapi.v1.main import application
    from werkzeug.serving import WSGIRequestHandler, make_server

    # Connections are kept open, and the log of requests is ours.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(
        "127.0.0.1",
        0,
        Logged(application, log),
        threaded=True,
        fd=descriptor,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()


class Logged:
    """A web application whose requests are written down.

    Parameters
    ----------
    application
        What answers.
    log
        File for one line a request: method, status, agent and path.  A line
        is there before its client has the answer.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], log: str) -> None:
        self._application = application
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""

        def start(status: str, headers: list[tuple[str, str]], *failed: object) -> object:
            agent = environ.get("HTTP_USER_AGENT", "").partition("/")[0] or "-"
            words = (environ["REQUEST_METHOD"], status[:3], agent, environ["PATH_INFO"])
            os.write(self._log, (" ".join(words) + "\n").encode())
            return start_response(status, headers, *failed)

        return self._application(environ, start)


def commands(daemons: Daemons) -> Iterator[list[str]]:
    """Yield the commands that come; run rounds between them if told to."""
    pause = 0.0
    due = 0.0
    pending = b""
    while True:
        # Without rounds of its own it waits for a command as long as it takes.
        patience = None
        if pause:
            patience = max(0.0, due - time.monotonic())
        came, _, _ = select.select([0], [], [], patience)
        # Also if somebody asks all the time how far we are.
        if pause and time.monotonic() >= due:
            run(daemons, ROUND)
            due = time.monotonic() + pause
        if not came:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            words = line.decode().split()
            if words[0] == "auto":
                pause = float(words[1])
            yield words


def obey(command: list[str], daemons: Daemons) -> object:
    """Do what a command says, and return what is to be answered."""
    verb, *words = command
    if verb == "round":
        return run(daemons, words or ROUND)
    if verb == "under-way":
        return rules_under_way(*words)
    if verb == "forget-tokens":
        return forget_tokens()
    return {}


def run(daemons: Daemons, names: Iterable[str]) -> dict[str, str | float]:
    """Run daemons once each.

    Returns
    -------
    took : `dict`
        Seconds that each took, or how it failed.
    """
    from rucio.common.exception import RucioException
    from sqlalchemy.exc import SQLAlchemyError

    took: dict[str, str | float] = {}
    for name in names:
        began = time.monotonic()
        try:
            daemons[name]()
            took[name] = round(time.monotonic() - began, 3)
        except (RucioException, SQLAlchemyError) as error:
            logging.getLogger(name).exception("The daemon failed")
            took[name] = f"{type(error).__name__}: {error}"
    return took


def load_daemons() -> Daemons:
    """Return each daemon's one pass by the name of its command."""
    from rucio.daemons.abacus import account, collection_replica, rse
    from rucio.daemons.badreplicas import necromancer
    from rucio.daemons.conveyor.finisher import finisher
    from rucio.daemons.conveyor.poller import poller
    from rucio.daemons.conveyor.submitter import submitter
    from rucio.daemons.judge import cleaner, evaluator, injector, repairer
    from rucio.daemons.undertaker import undertaker

    for module in (cleaner, evaluator, injector, repairer, necromancer, account, rse, collection_replica):
        without_waiting(module)
    once = functools.partial
    conveyor = {"once": True, "partition_wait_time": 0}
    return {
        "injector": once(injector.rule_injector, once=True),
        "evaluator": once(evaluator.re_evaluator, once=True),
        "submitter": once(submitter, bulk=10_000, group_bulk=200, transfertools=["fts3"], **conveyor),
        "poller": once(poller, older_than=0, transfertool="fts3", db_bulk=10_000, fts_bulk=200, **conveyor),
        "finisher": once(finisher, bulk=1000, db_bulk=10_000, **conveyor),
        "abacus-account": once(account.account_update, once=True),
        "abacus-rse": once(rse.rse_update, once=True),
        "abacus-collection": once(collection_replica.collection_replica_update, limit=1000, once=True),
        "cleaner": once(cleaner.rule_cleaner, once=True),
        "repairer": once(repairer.rule_repairer, once=True),
        "necromancer": once(necromancer.run, once=True),
        "undertaker": once(undertaker.run, once=True),
    }


def without_waiting(module: Any) -> None:
    """Let a daemon begin at once; it waits for others, and is alone here."""
    from rucio.daemons.common import run_daemon

    def run_at_once(**settings: object) -> None:
        run_daemon(**{**settings, "partition_wait_time": 0})

    module.run_daemon = run_at_once


def rules_under_way(scope: str = "") -> int:
    """Count the rules that daemons have still to work on."""
    from rucio.db.sqla.constants import RuleState
    from rucio.db.sqla.models import ReplicationRule
    from rucio.db.sqla.session import get_session

    session = get_session()()
    try:
        states = (RuleState.REPLICATING, RuleState.INJECT)
        rules = session.query(ReplicationRule).filter(ReplicationRule.state.in_(states))
        return sum(not scope or rule.scope.external == scope for rule in rules)
    finally:
        session.close()


def forget_tokens() -> int:
    """Expire everybody's token, also those that the server has in memory."""
    from rucio.core.authentication import TOKENREGION
    from rucio.db.sqla.models import Token
    from rucio.db.sqla.session import get_session

    session = get_session()()
    try:
        forgotten: int = session.query(Token).delete()
        session.commit()
    finally:
        session.close()
    TOKENREGION.invalidate()
    return forgotten


if __name__ == "__main__":
    main(sys.argv[1:])
