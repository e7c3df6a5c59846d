"""The machine that a job runs on: what it finds on its PATH.

All is real but ``gh``, ``jq`` (the library of that name), and what would
install anything: a new environment is this one, and ``pip install`` in it
makes sure that what it names is there.  ``calibstate`` is the real program,
each time in a process of its own, forked from one that has it imported.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from calibstate.cli.app import run
from calibstate.cli.commands import COMMANDS, command

__all__ = ["machine"]

ROOT = Path(__file__).parents[2]

PYTHON = """#!/bin/bash
# A Python whose new environments are this one.
if [ "$1 $2 $3" = "-I -m venv" ]; then
  mkdir -p "$4/bin" && ln -s "{bin}/of-venv/python" "$4/bin/python"
  exit
fi
exec "{python}" "$@"
"""

OF_VENV = """#!/bin/bash
# Installs nothing, and looks that it could be.
set -e
[ "$1 $2 $3 $4" = "-I -m pip install" ] || exec "{python}" "$@"
echo "${{@:5}}" >> "{bin}/installed"
here="$(dirname "$0")"
while [ $# -gt 0 ]; do
  case "$1" in
    -r) [ -f "$2" ] || {{ echo "no $2" >&2; exit 1; }}; shift ;;
    calibstate==*) ln -s "{bin}/of-venv/calibstate" "$here/calibstate" ;;
    /*) [ -f "$1/pyproject.toml" ] || {{ echo "no project in $1" >&2; exit 1; }}
        ln -s "{bin}/of-venv/calibstate" "$here/calibstate" ;;
  esac
  shift
done
"""

CALIBSTATE = """#!/bin/bash
exec "{python}" -S -E "{asks}" "{socket}" "$@"
"""

ASKS = """
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
said = json.dumps({"arguments": sys.argv[2:], "folder": os.getcwd(), "variables": dict(os.environ)}).encode()
socket.send_fds(server, [len(said).to_bytes(4, "big")], [0, 1, 2])
server.sendall(said)
sys.exit(int(server.recv(16) or b"70"))
"""

PROGRAM = """#!/bin/bash
export PYTHONPATH="{root}"
exec "{python}" -m {module} "$@"
"""

RECORDER = """#!/bin/bash
# Does nothing, and says what it was to do.
echo "$(basename "$0") $*" >> "{bin}/recorded"
[ "$*" != docs ] || {{ mkdir -p docs/_build/html && echo "<html>" > docs/_build/html/index.html; }}
[ "$*" != dist ] || {{ mkdir -p dist && echo "wheel" > dist/calibstate.whl; }}
"""


@contextmanager
def machine(folder: Path) -> Iterator[Path]:
    """Yield a folder with programs, for as long as they are served."""
    folder.mkdir()
    named = {"bin": folder, "python": sys.executable, "root": ROOT, "socket": folder / "s"}
    (folder / "of-venv").mkdir()
    asks = folder / "asks.py"
    asks.write_text(ASKS)
    programs = {
        "python3": PYTHON.format(**named),
        "of-venv/python": OF_VENV.format(**named),
        "of-venv/calibstate": CALIBSTATE.format(asks=asks, **named),
        "gh": PROGRAM.format(module="tests.github.gh", **named),
        "jq": PROGRAM.format(module="tests.github.jq_program", **named),
        **dict.fromkeys(("make", "sudo"), RECORDER.format(**named)),
    }
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.github.machine", str(folder / "s")],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n", f"it ended with {server.wait()}"
        yield folder
        server.terminate()


def serve(path: str) -> None:
    """Carry out what is asked for, each in a process of its own."""
    # The imports are what takes its time.
    import calibstate.adapters.butler  # noqa: F401

    for name in COMMANDS:
        command(name)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _answer(asking)
        asking.close()


def _end(signal: int, frame: FrameType | None) -> NoReturn:
    os._exit(0)


def _answer(asking: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(asking, 4, 3)
    said = b""
    while len(said) < int.from_bytes(length, "big"):
        said += asking.recv(65_536)
    asked = json.loads(said)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["calibstate", *asked["arguments"]]
    code = 70
    try:
        code = run(asked["arguments"])
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asking.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
