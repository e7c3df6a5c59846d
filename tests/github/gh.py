"""Stands in for ``gh``, at a small GitHub in a folder.

It knows the calls that our workflows make, and what their token has to allow;
any other is refused with 97, so that no workflow comes to rest on a guess.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import jq

from tests.github.hub import REPOSITORY, state

FOLDER = Path(os.environ["GITHUB_STAND_IN"])
BOT = "github-actions[bot]"
LONGEST = 65_536
"""Characters of a comment, and of an issue."""


def refuse(why: str) -> NoReturn:
    sys.stderr.write(f"gh (stand-in): {why}: {sys.argv[1:]}\n")
    sys.exit(97)


def allow(known: dict[str, Any], *rights: str) -> None:
    """Refuse what the token does not allow: one of ``area: right``."""
    token = known["tokens"].get(os.environ.get("GH_TOKEN", ""))
    if token is None:
        refuse("no token of a job")
    for right in rights:
        area, _, level = right.partition(": ")
        if token.get(area) == "write" or token.get(area) == level:
            return
    sys.stderr.write(f"HTTP 403: Resource not accessible by integration; it takes {' or '.join(rights)}\n")
    sys.exit(1)


def missing(what: str) -> NoReturn:
    sys.stderr.write(f"HTTP 404: Not Found ({what})\n")
    sys.exit(1)


def show(answer: Any, query: str | None) -> None:
    if query is None:
        print(json.dumps(answer))  # noqa: T201
        return
    # Like gh, with its environment and with texts as they are.
    for found in jq.compile(query).input_value(answer).all():
        print(found if isinstance(found, str) else json.dumps(found))  # noqa: T201


def body_of(text: str) -> str:
    if len(text) > LONGEST:
        sys.stderr.write(f"HTTP 422: body is too long (maximum is {LONGEST} characters)\n")
        sys.exit(1)
    return text


def api(known: dict[str, Any], words: list[str]) -> None:
    parser = argparse.ArgumentParser("gh api", exit_on_error=False)
    parser.add_argument("path")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--jq")
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("-F", dest="fields", action="append", default=[])
    said = parser.parse_args(words)
    fields = dict(field.split("=", 1) for field in said.fields)
    answer = answered(known, said.method, urlsplit(said.path), fields)
    if not said.silent:
        show(answer, said.jq)


def answered(known: dict[str, Any], method: str, url: Any, fields: dict[str, str]) -> Any:
    if not url.path.startswith(f"repos/{REPOSITORY}/"):
        missing(url.path)
    path = url.path.removeprefix(f"repos/{REPOSITORY}/")
    asked = {key: values[0] for key, values in parse_qs(url.query).items()}
    if method == "GET" and (found := re.fullmatch(r"issues/(\d+)/comments", path)):
        allow(known, "issues: read", "pull-requests: read")
        return [c for c in known["comments"] if c["number"] == int(found[1])]
    if method == "POST" and (found := re.fullmatch(r"issues/(\d+)/comments", path)):
        allow(known, "issues: write", "pull-requests: write")
        comment = {"id": 5000 + len(known["comments"]), "number": int(found[1]), "user": {"login": BOT}}
        known["comments"].append({**comment, "body": body_of(read_field(fields["body"]))})
        return known["comments"][-1]
    if method == "PATCH" and (found := re.fullmatch(r"issues/comments/(\d+)", path)):
        allow(known, "issues: write", "pull-requests: write")
        comments = (c for c in known["comments"] if c["id"] == int(found[1]))
        kept: dict[str, Any] = next(comments, {}) or missing(path)
        kept["body"] = body_of(read_field(fields["body"]))
        return kept
    if method == "GET" and (found := re.fullmatch(r"commits/([0-9a-f]{40})/pulls", path)):
        allow(known, "pull-requests: read")
        return [p for p in known["pulls"] if found[1] in (p["merge_commit_sha"], p["head"]["sha"])]
    if (method, path) == ("GET", "pages"):
        allow(known, "pages: read")
        # Its body goes where an answer would.
        if not known["pages"]:
            print(json.dumps({"message": "Not Found", "status": "404"}))  # noqa: T201
            missing(path)
        return {"html_url": known["pages"], "build_type": "workflow"}
    if method == "GET" and (found := re.fullmatch(r"actions/workflows/([\w.-]+)/runs", path)):
        allow(known, "actions: read")
        runs = [r for r in known["runs"] if r["path"] == f".github/workflows/{found[1]}"]
        runs = [r for r in runs if all(r[key] == value for key, value in asked.items())]
        return {"total_count": len(runs), "workflow_runs": runs[::-1]}
    refuse("a call that is not known")


def read_field(value: str) -> str:
    return Path(value[1:]).read_text() if value.startswith("@") else value


def run_download(known: dict[str, Any], words: list[str]) -> None:
    parser = argparse.ArgumentParser("gh run download", exit_on_error=False)
    parser.add_argument("run")
    for option in ("--repo", "--name", "--dir"):
        parser.add_argument(option, required=True)
    said = parser.parse_args(words)
    allow(known, "actions: read")
    artifact = FOLDER / "artifacts" / said.run / said.name
    if said.repo != REPOSITORY or not artifact.is_dir():
        sys.stderr.write("no valid artifacts found to download\n")
        sys.exit(1)
    shutil.copytree(artifact, said.dir, dirs_exist_ok=True)


def issue(known: dict[str, Any], verb: str, words: list[str]) -> None:
    if os.environ.get("GH_REPO") != REPOSITORY:
        refuse("no repository is named")
    allow(known, "issues: read" if verb == "list" else "issues: write")
    parser = argparse.ArgumentParser(f"gh issue {verb}", exit_on_error=False)
    options = {
        "list": ("--label", "--state", "--limit", "--json", "--jq"),
        "create": ("--label", "--title", "--body-file"),
        "edit": ("--body-file",),
        "close": ("--comment",),
    }
    if verb not in options:
        refuse("a call that is not known")
    if verb in {"edit", "close"}:
        parser.add_argument("number", type=int)
    for option in options[verb]:
        parser.add_argument(option, required=True)
    said = parser.parse_args(words)
    if verb == "list":
        found = [i for i in known["issues"] if i["state"] == said.state and said.label in i["labels"]]
        keys = said.json.split(",")
        show([{key: i[key] for key in keys} for i in found[::-1][: int(said.limit)]], said.jq)
        return
    if verb == "create":
        if said.label not in known["labels"]:
            sys.stderr.write(f"could not add label: '{said.label}' not found\n")
            sys.exit(1)
        number = 100 + len(known["issues"])
        known["issues"].append(
            {
                "number": number,
                "title": said.title,
                "labels": [said.label],
                "state": "open",
                "body": body_of(Path(said.body_file).read_text()),
                "comments": [],
            }
        )
        print(f"https://github.com/{REPOSITORY}/issues/{number}")  # noqa: T201
        return
    one = next((i for i in known["issues"] if i["number"] == said.number), None) or missing(str(said.number))
    if verb == "edit":
        one["body"] = body_of(Path(said.body_file).read_text())
    else:
        one["state"] = "closed"
        one["comments"].append(said.comment)


def label(known: dict[str, Any], words: list[str]) -> None:
    parser = argparse.ArgumentParser("gh label create", exit_on_error=False)
    parser.add_argument("name")
    parser.add_argument("--force", action="store_true", required=True)
    parser.add_argument("--color", required=True)
    parser.add_argument("--description", required=True)
    said = parser.parse_args(words)
    allow(known, "issues: write")
    known["labels"] = sorted({*known["labels"], said.name})


def main() -> None:
    with state(FOLDER) as known:
        known["asked"].append(sys.argv[1:])
        try:
            match sys.argv[1:]:
                case ["api", *words]:
                    api(known, words)
                case ["run", "download", *words]:
                    run_download(known, words)
                case ["issue", verb, *words]:
                    issue(known, verb, words)
                case ["label", "create", *words]:
                    label(known, words)
                case _:
                    refuse("a call that is not known")
        except (argparse.ArgumentError, KeyError) as error:
            refuse(f"not understood ({error})")


if __name__ == "__main__":
    main()
