"""Rucio's own client: troubles on the way, rights, and large numbers.

Whatever does not depend on the client is in the contract.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from configparser import NoSectionError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from rucio.common.exception import CannotAuthenticate, ServerConnectionException
from typing_extensions import override

from calibstate.adapters.rucio import RucioServerWriter, open_rucio, reader, registering, writer
from calibstate.adapters.rucio.asking import Rucio
from calibstate.demo.rucio.configuration import ROOT, Login, write_client
from calibstate.demo.rucio.site import ORIGIN, RSES, Rse, RucioSite
from calibstate.errors import CalibstateError, RefusedError, UnreachableError
from calibstate.model.rucio import RuleState, Storage
from calibstate.model.settings import RucioSettings
from calibstate.ports.progress import unwatched
from calibstate.ports.rucio import FileToRegister
from tests.fakes.rucio import MemoryRucio

_, SUMMIT, BASE = RSES
TICKET = "Dataset/LSSTComCam/calib/DM-1"

_counter = itertools.count(1)


@pytest.fixture
def site(rucio_site: RucioSite) -> Iterator[RucioSite]:
    """Give back a site as it was, whoever logged in meanwhile."""
    rucio_site.configure()
    yield rucio_site
    rucio_site.start_server()
    rucio_site.log_in(ROOT)
    rucio_site.configure()


@pytest.fixture
def settings(site: RucioSite) -> RucioSettings:
    """A scope of its own."""
    scope = f"adapter{next(_counter)}"
    site.add_scope(scope)
    origin = site.rses[ORIGIN]
    return RucioSettings(scope=scope, origin_rse=ORIGIN, rse_root=str(origin.folder), dtn_url=origin.url)


@pytest.fixture
def rucio(settings: RucioSettings) -> RucioServerWriter:
    return open_rucio(settings, pause=0)


def files(settings: RucioSettings, number: int = 2) -> list[FileToRegister]:
    return [
        FileToRegister(
            f"f{n}",
            f"file://{settings.rse_root}/{settings.scope}/f{n}",
            10,
            f"{n:08x}",
            f'{{"id": "id-{n}"}}',
        )
        for n in range(number)
    ]


def become(site: RucioSite, login: Login, *, keep_tokens: bool = False) -> None:
    site.log_in(login)
    if not keep_tokens:
        site.forget_cached_tokens()
    site.configure()


def hint_of(error: pytest.ExceptionInfo[CalibstateError]) -> str:
    return error.value.diagnostics[0].hint


# The way to the server


@pytest.mark.parametrize("has_token", [True, False])
@pytest.mark.matrix(1)
def test_a_server_that_is_down_is_asked_five_times_and_then_unreachable(
    site: RucioSite,
    settings: RucioSettings,
    has_token: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if has_token:
        assert open_rucio(settings).account == "root"
    else:
        site.forget_cached_tokens()
    site.stop_server()
    capfd.readouterr()

    with (
        caplog.at_level(logging.INFO, logger="calibstate"),
        pytest.raises(UnreachableError, match=f"does not answer: {site.url}: ") as told,
    ):
        open_rucio(settings, pause=0).datasets([TICKET])

    ours = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert [f"try {n} of 5" in said for n, said in enumerate(ours, 2)] == [True] * 4
    assert ROOT.password not in str(told.value) + caplog.text
    assert capfd.readouterr() == ("", "")


def test_a_server_that_comes_back_meanwhile_is_not_even_noticed(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    class Repair(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            site.start_server()

    assert rucio.has_scope()
    site.stop_server()
    logger = logging.getLogger("calibstate")
    repair, level = Repair(logging.INFO), logger.level
    logger.addHandler(repair)
    logger.setLevel(logging.INFO)
    try:
        rucio.register(TICKET, files(settings))
    finally:
        logger.removeHandler(repair)
        logger.setLevel(level)
    assert set(rucio.datasets([TICKET])[TICKET].files) == {"f0", "f1"}


def test_a_token_that_has_ended_is_renewed(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    assert rucio.has_scope()
    site.forget_tokens()
    assert rucio.has_scope()
    rucio.register(TICKET, files(settings))

    site.forget_tokens()
    assert open_rucio(settings).has_scope(), "with the token that was kept on the disk"


def test_a_wrong_password_is_told_without_telling_it(site: RucioSite, rucio: RucioServerWriter) -> None:
    become(site, Login(ROOT.account, ROOT.username, "wrong-secret"))
    with pytest.raises(UnreachableError, match=r"Rucio did not let us in: .*account root") as told:
        rucio.has_scope()
    assert "wrong-secret" not in str(told.value)
    assert "`rucio whoami`" in hint_of(told)


def test_an_unknown_account_is_told(site: RucioSite, rucio: RucioServerWriter) -> None:
    become(site, Login("nobody", ROOT.username, ROOT.password))
    with pytest.raises(UnreachableError, match=r"Rucio did not let us in: .*account nobody"):
        rucio.has_scope()


def test_who_names_no_account_asks_with_the_usual_one(site: RucioSite, rucio: RucioServerWriter) -> None:
    config = site.home / "etc" / "rucio.cfg"
    config.write_text(config.read_text().replace("account = root\n", ""))
    site.forget_cached_tokens()
    site.configure()
    assert rucio.account == "root"


def test_a_password_that_cannot_be_sent_is_not_told(site: RucioSite, rucio: RucioServerWriter) -> None:
    become(site, Login(ROOT.account, ROOT.username, "se\n cret"))
    with pytest.raises(
        UnreachableError, match="name or password of its configuration cannot be sent"
    ) as told:
        rucio.has_scope()
    assert "cret" not in str(told.value)


def test_without_configuration_nothing_is_asked_before_the_first_question(tmp_path: Path) -> None:
    script = """
from calibstate.adapters.rucio import open_rucio
from calibstate.errors import UnreachableError
from calibstate.model.settings import RucioSettings
rucio = open_rucio(RucioSettings(scope="ancillary", origin_rse="SLAC_BUTLER_DISK"))
print("opened")
try:
    rucio.account
except UnreachableError as error:
    print(error)
"""
    there = {k: v for k, v in os.environ.items() if k not in {"RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX"}}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=there | {"RUCIO_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("opened\nRucio is not configured: Could not load Rucio configuration file.")
    assert "`rucio whoami` must work." in done.stdout


def test_the_client_says_nothing_of_its_own(tmp_path: Path) -> None:
    script = """
from calibstate.adapters.rucio import open_rucio
from calibstate.errors import UnreachableError
from calibstate.model.settings import RucioSettings
try:
    open_rucio(RucioSettings(scope="ancillary", origin_rse="SLAC_BUTLER_DISK"), pause=0).has_scope()
except UnreachableError as error:
    print(error.diagnostics[0].summary)
"""
    # Port 9 is for what is to be thrown away; nobody listens.
    write_client(tmp_path, "http://127.0.0.1:9", ROOT)
    there = os.environ | {"RUCIO_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=there, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Rucio does not answer\n", "")


@pytest.mark.parametrize(
    "text", ["[client]\naccount = root\n", "[client]\nrucio_host = ftp://x\n", "no section"]
)
def test_a_configuration_that_lacks_something_is_told(
    site: RucioSite, rucio: RucioServerWriter, text: str
) -> None:
    (site.home / "etc" / "rucio.cfg").write_text(text)
    site.configure()
    with pytest.raises(UnreachableError, match="Rucio is not configured"):
        rucio.has_scope()


# A server that has troubles of its own


class Ailing:
    """A server that answers what a test says; the last answer for ever."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/auth"):
                    self.send_response(200)
                    self.send_header("X-Rucio-Auth-Token", "token")
                    self.end_headers()
                    return
                status, class_, body = outer.answers[min(outer.asked, len(outer.answers) - 1)]
                outer.asked += 1
                self.send_response(status)
                if class_:
                    self.send_header("ExceptionClass", class_)
                    self.send_header("ExceptionMessage", "what it says")
                self.end_headers()
                self.wfile.write(body.encode())

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def ailing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Ailing, RucioServerWriter]]]:
    from rucio.client.baseclient import BaseClient
    from rucio.common.config import clean_cached_config

    started: list[Ailing] = []

    def start(*answers: tuple[int, str, str]) -> tuple[Ailing, RucioServerWriter]:
        server = Ailing(*answers)
        started.append(server)
        write_client(tmp_path, server.url, ROOT)
        monkeypatch.setenv("RUCIO_HOME", str(tmp_path))
        monkeypatch.setattr(BaseClient, "TOKEN_PATH_PREFIX", f"{tmp_path}/tokens/.rucio_")
        clean_cached_config()
        return server, open_rucio(RucioSettings(scope="ancillary", origin_rse=ORIGIN), pause=0)

    yield start
    for server in started:
        server.server.shutdown()
        server.server.server_close()
    clean_cached_config()


GOOD = (200, "", '["ancillary"]')


@pytest.mark.parametrize(
    "trouble",
    [(500, "", ""), (500, "DatabaseException", ""), (500, "NewException", ""), (200, "", "<html>")],
    ids=["no words", "database", "unknown", "no JSON"],
)
def test_a_trouble_that_may_pass_is_waited_for_five_times(
    ailing: Callable[..., tuple[Ailing, RucioServerWriter]], trouble: tuple[int, str, str]
) -> None:
    server, rucio = ailing(trouble, trouble, trouble, trouble, GOOD)
    assert rucio.has_scope()
    assert server.asked == 5

    server, rucio = ailing(trouble)
    with pytest.raises(UnreachableError, match="Rucio does not answer"):
        rucio.has_scope()
    assert server.asked == 5


@pytest.mark.parametrize("class_", ["AccessDenied", "InvalidObject", "ScopeNotFound", "ReplicaNotFound"])
def test_a_last_word_is_not_asked_for_again(
    ailing: Callable[..., tuple[Ailing, RucioServerWriter]], class_: str
) -> None:
    server, rucio = ailing((400, class_, ""))
    with pytest.raises(RefusedError, match="says: what it says"):
        rucio.has_scope()
    assert server.asked == 1


@pytest.mark.parametrize(
    ("trouble", "summary", "tries"),
    [
        (requests.exceptions.SSLError("x"), "Rucio does not answer: .* certificate is not trusted", 1),
        (requests.exceptions.ReadTimeout("x"), "Rucio does not answer: .* it did not answer within 60 s", 5),
        (OSError("no CA bundle"), "Rucio does not answer: .* no CA bundle", 1),
        (NoSectionError("client"), "Rucio is not configured: No section: 'client'", 1),
        (
            CannotAuthenticate("failed, identity={'key': 'se-cret'}"),
            r"let us in: .* identity=\(not shown\)",
            1,
        ),
        (
            ConnectionError("https://me:se-cret@proxy"),
            r"Rucio does not answer: .* https://me:\*\*\*@proxy",
            5,
        ),
    ],
)
def test_troubles_are_told_in_words_of_ours_and_without_secrets(
    site: RucioSite, trouble: Exception, summary: str, tries: int
) -> None:
    asked = []

    def question(client: object) -> None:
        asked.append(client)
        raise trouble

    with pytest.raises(UnreachableError, match=summary) as told:
        Rucio(pause=0).ask("do something", question)
    assert len(asked) == tries
    assert "se-cret" not in str(told.value)


# Rights


def test_whoever_is_no_administrator_may_look_but_not_register(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    rucio.register(TICKET, files(settings))
    login = site.add_account(f"looker{next(_counter)}")
    become(site, login)
    other = open_rucio(settings, pause=0)

    assert other.account == login.account
    assert set(other.datasets([TICKET], sidecars=[TICKET])[TICKET].files) == {"f0", "f1"}
    assert other.available(TICKET) == {ORIGIN: 2}
    with pytest.raises(RefusedError, match="Account has no right") as told:
        other.register(TICKET, files(settings, 3))
    assert f"`rucio account attribute set {login.account} --key admin --value true`" in hint_of(told)
    with pytest.raises(RefusedError, match="Account has no right") as told:
        other.close(TICKET)
    assert f"`rucio did update --close {settings.scope}:{TICKET}`" in hint_of(told)


def test_a_rule_of_somebody_else_is_not_changed(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    rucio.register(TICKET, files(settings))
    rucio.close(TICKET)
    rucio.add_rule(TICKET, SUMMIT, comment="ours")
    (rule,) = rucio.rules(TICKET)
    login = site.add_account(f"looker{next(_counter)}")
    become(site, login)
    other = open_rucio(settings, pause=0)

    assert other.rules(TICKET) == (rule,)
    with pytest.raises(RefusedError, match="Account has no right") as told:
        other.keep_rule(rule.id)
    assert f"`rucio rule update --lifetime None {rule.id}`" in hint_of(told)
    with pytest.raises(RefusedError, match="Account has no right") as told:
        other.boost_rule(rule.id)
    assert f"`rucio rule update --boost-rule {rule.id}`" in hint_of(told)


def test_room_is_what_all_limits_leave(site: RucioSite, settings: RucioSettings) -> None:
    login = site.add_account(f"keeper{next(_counter)}")
    admin = site.client()
    root = open_rucio(settings, pause=0)
    root.register(TICKET, files(settings))
    root.close(TICKET)
    become(site, login)
    rucio = open_rucio(settings, pause=0)

    assert rucio.storage(SUMMIT) == Storage(writable=True, room=0), "no limit is no room"
    with pytest.raises(RefusedError, match="has no room") as told:
        rucio.add_rule(TICKET, SUMMIT, comment="ours")
    assert f"`rucio account limit set {login.account} --rse {SUMMIT} --bytes BYTES`" in hint_of(told)

    admin.set_local_account_limit(login.account, SUMMIT, 500)
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=500)
    admin.set_global_account_limit(login.account, f"{SUMMIT}|{BASE}", 300)
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=300)
    admin.set_global_account_limit(login.account, ORIGIN, 7)
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=300)

    rucio.add_rule(TICKET, SUMMIT, comment="ours")
    site.round("abacus-account")
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=280)
    admin.set_local_account_limit(login.account, SUMMIT, 5)
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=0)

    admin.set_local_account_limit(login.account, SUMMIT, -1)
    admin.delete_global_account_limit(login.account, f"{SUMMIT}|{BASE}")
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=None)
    admin.set_local_account_limit(login.account, SUMMIT, 5)
    admin.add_account_attribute(login.account, "admin", "true")
    assert rucio.storage(SUMMIT) == Storage(writable=True, room=None)


# Registering


def test_the_butler_finds_its_reference_with_the_file(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    rucio.register(TICKET, files(settings, 1))
    meta = site.client().get_metadata(settings.scope, "f0", plugin="JSON")
    assert meta == {"rubin_butler": "data_product", "rubin_sidecar": '{"id": "id-0"}'}
    (replica,) = site.client().list_replicas([{"scope": settings.scope, "name": "f0"}], sort="random")
    assert list(replica["pfns"]) == [f"{settings.dtn_url}/{settings.scope}/f0"]
    assert site.client().get_did(settings.scope, TICKET)["monotonic"]


def test_many_files_are_registered_by_the_hundred(
    site: RucioSite,
    rucio: RucioServerWriter,
    settings: RucioSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, int, int]] = []
    mark = len(site.requests())
    # As it is without pytest; then it is that logging sets up an output.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    rucio.register(TICKET, files(settings, 210), watch=lambda *told: seen.append(told))

    assert seen == [("files", 100, 210), ("files", 200, 210), ("files", 210, 210)]
    registered = [r for r in site.writes(mark) if r.method == "POST" and r.path.startswith("/replicas")]
    assert len(registered) == 3
    assert len(rucio.datasets([TICKET], sidecars=[TICKET])[TICKET].files) == 210
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == []


class Failing:
    """A client whose server fails when files are registered."""

    account = "root"

    def __init__(self) -> None:
        self.asked = 0

    def get_did(self, scope: str, name: str) -> dict[str, object]:
        return {"type": "DATASET", "open": True}

    def add_replicas(self, rse: str, files: object) -> None:
        self.asked += 1
        raise ServerConnectionException


def test_the_registrar_does_not_try_again_by_itself() -> None:
    settings = RucioSettings(scope="main", origin_rse=ORIGIN, rse_root="", dtn_url="s3://host/slac")
    rucio, client = Rucio(pause=0), Failing()
    rucio.__dict__["client"] = client
    file = FileToRegister("f", "s3://slac/main/f", 1, "00000001", "{}")
    with pytest.raises(UnreachableError, match="Rucio does not answer"):
        registering.register(MemoryRucio(settings), rucio, settings, TICKET, [file], unwatched)
    assert client.asked == 5


def test_metadata_are_asked_for_in_parts(
    rucio: RucioServerWriter, settings: RucioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_CHUNK", 2)
    monkeypatch.setattr(registering, "_CHUNK", 2)
    rucio.register(TICKET, files(settings, 5))
    told = rucio.datasets([TICKET], sidecars=[TICKET])[TICKET].files
    assert {name: file.uuid for name, file in told.items()} == {f"f{n}": f"id-{n}" for n in range(5)}
    assert rucio.files([*told, "no", TICKET]) == told


def test_a_rule_for_many_files_is_made_by_and_by(
    rucio: RucioServerWriter, settings: RucioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rucio.register(TICKET, files(settings, 3))
    rucio.close(TICKET)
    monkeypatch.setattr(writer, "_MANY", 2)
    rucio.add_rule(TICKET, SUMMIT, comment="ours")
    rucio.add_rule(TICKET, SUMMIT, comment="ours")
    (rule,) = rucio.rules(TICKET)
    assert rule.state is RuleState.INJECT


def test_a_rule_on_a_dataset_of_another_scope_is_told_with_its_scope(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    rucio.register(TICKET, files(settings))
    rucio.close(TICKET)
    admin, scope = site.client(), f"{settings.scope}-hand"
    admin.add_scope("root", scope)
    admin.add_dataset(scope, "all")
    admin.add_files_to_dataset(scope, "all", [{"scope": settings.scope, "name": n} for n in ("f0", "f1")])
    admin.close(scope, "all")
    dids = [{"scope": scope, "name": "all"}]
    (id_,) = admin.add_replication_rule(dids, 1, SUMMIT, asynchronous=True)

    (rule,) = rucio.rules(TICKET)
    assert (rule.id, rule.dataset, rule.state) == (id_, f"{scope}:all", RuleState.INJECT)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"dtn_url": "https://other"}, "URLs of the origin differ: .* would be registered as https://other/"),
        ({"origin_rse": "NO_SUCH_DISK"}, "URLs of the origin differ: .* no such storage element"),
        ({"rse_root": None}, "Origin is not described"),
        ({"dtn_url": None}, "Origin is not described"),
        ({"rse_root": "/"}, "File is not where the storage element would have it"),
    ],
)
def test_settings_that_do_not_fit_the_origin_are_refused_before_anything_is_written(
    site: RucioSite, settings: RucioSettings, changed: dict[str, str | None], told: str
) -> None:
    rucio = open_rucio(settings.model_copy(update=changed), pause=0)
    mark = len(site.requests())
    with pytest.raises(RefusedError, match=told):
        rucio.register(TICKET, files(settings))
    assert [r for r in site.writes(mark) if r.path.startswith(("/replicas", "/dids"))] == []


def test_an_unknown_scope_is_refused(settings: RucioSettings) -> None:
    there = settings.model_copy(update={"scope": "no-such-scope"})
    rucio = open_rucio(there, pause=0)
    assert not rucio.has_scope()
    with pytest.raises(RefusedError, match="Scope does not exist") as told:
        rucio.register(TICKET, files(there))
    assert "`rucio scope add --account root no-such-scope`" in hint_of(told)


def test_a_name_that_a_container_has_is_no_dataset(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    site.client().add_container(settings.scope, TICKET)
    assert rucio.datasets([TICKET]) == {}
    with pytest.raises(RefusedError, match=r"Name is taken: .* is a container"):
        rucio.register(TICKET, files(settings))


def test_slashes_at_the_end_of_settings_make_no_difference(settings: RucioSettings) -> None:
    slashed = {"rse_root": f"{settings.rse_root}/", "dtn_url": f"{settings.dtn_url}/"}
    rucio = open_rucio(settings.model_copy(update=slashed), pause=0)
    rucio.register(TICKET, files(settings))
    assert set(rucio.files(["f0", "f1"])) == {"f0", "f1"}


def test_an_origin_in_an_object_store_has_the_bucket_for_its_root(
    site: RucioSite, settings: RucioSettings
) -> None:
    bucket = site.add_rse(Rse.in_bucket(f"BUCKET{next(_counter)}", "http://127.0.0.1:1", "slac"))
    there = settings.model_copy(update={"origin_rse": bucket.name, "rse_root": "", "dtn_url": bucket.url})
    rucio = open_rucio(there, pause=0)
    file = FileToRegister("f", f"s3://slac/{settings.scope}/f", 1, "00000001", "{}")
    rucio.register(TICKET, [file])
    assert rucio.available(TICKET) == {bucket.name: 1}


# What we advise


@pytest.mark.slow
def test_commands_that_are_advised_work(
    site: RucioSite, rucio: RucioServerWriter, settings: RucioSettings
) -> None:
    rucio.register(TICKET, files(settings))
    rucio.close(TICKET)
    rucio.add_rule(TICKET, SUMMIT, comment="ours")
    (rule,) = rucio.rules(TICKET)
    hints: list[str] = []

    def collect(do: Callable[[], object]) -> None:
        with pytest.raises(RefusedError) as told:
            do()
        hints.extend(re.findall(r"`(rucio .*?)`", hint_of(told)))

    collect(lambda: rucio.register(TICKET, files(settings, 3)))
    there = settings.model_copy(update={"scope": f"{settings.scope}x"})
    collect(lambda: open_rucio(there).register(TICKET, files(there)))
    site.client().update_rse(BASE, {"availability_write": False})
    collect(lambda: rucio.add_rule(TICKET, BASE, comment="ours"))
    become(site, site.add_account(f"asker{next(_counter)}"))
    asker = open_rucio(settings)
    collect(lambda: asker.add_rule(TICKET, SUMMIT, comment="ours"))
    collect(lambda: asker.keep_rule(rule.id))
    collect(lambda: asker.boost_rule(rule.id))
    site.client().set_status(settings.scope, TICKET, open=True)
    collect(lambda: asker.close(TICKET))
    collect(lambda: asker.register(TICKET, files(settings, 3)))
    site.client().close(settings.scope, TICKET)
    become(site, ROOT)

    assert len(hints) == 8
    for hint in hints:
        command = [str(Path(sys.executable).with_name("rucio")), *hint.replace("BYTES", "1000").split()[1:]]
        done = subprocess.run(command, env=os.environ | site.environment(), capture_output=True, text=True)
        assert done.returncode == 0, (hint, done.stderr)
    assert site.client().get_rse(BASE)["availability_write"]
