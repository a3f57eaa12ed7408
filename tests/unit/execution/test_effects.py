"""Effects outside of the screen."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from steadyhand.execution.effects import see_file, see_http, see_sql
from steadyhand.model.workflow import FileEffect, HttpEffect, SqlEffect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# ----------------------------------------------------------------------------------------------------------- files


def test_a_file_must_be_there_and_hold_the_text(tmp_path: Path) -> None:
    """A missing file, a folder and a file without the text are told apart; relative paths begin at the workflow."""
    (tmp_path / "out.csv").write_text("number;état\n4711;réglée\n", encoding="utf-8")
    assert see_file(FileEffect(path="out.csv"), tmp_path).met
    assert see_file(FileEffect(path="out.csv", contains="4711;réglée"), tmp_path).met
    assert see_file(FileEffect(path=str(tmp_path / "out.csv")), tmp_path).met
    assert see_file(FileEffect(path="out.csv", contains="4712"), tmp_path).detail == "it does not hold the text"
    assert see_file(FileEffect(path="no.csv"), tmp_path).detail == "No such file or directory"
    assert see_file(FileEffect(path="."), tmp_path).detail == "it is no file"


def test_a_file_that_was_written_anew_is_in_another_state(tmp_path: Path) -> None:
    """Yesterday's export does not prove today's, but the same export written again does."""
    path = tmp_path / "out.csv"
    path.write_text("same", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    first = see_file(FileEffect(path="out.csv"), tmp_path)
    assert see_file(FileEffect(path="out.csv"), tmp_path) == first
    os.utime(path, ns=(2, 2))
    assert see_file(FileEffect(path="out.csv"), tmp_path).state != first.state


# ------------------------------------------------------------------------------------------------------------ http


class Answers(BaseHTTPRequestHandler):
    """A server that knows one invoice."""

    def do_GET(self) -> None:
        """Answer."""
        status, text = (200, b"status: paid") if self.path == "/invoices/7" else (404, b"unknown")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a running server."""
    with HTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_an_answer_must_have_the_status_and_hold_the_text(server: str) -> None:
    """Also an error status can be what is expected."""
    assert see_http(HttpEffect(get=f"{server}/invoices/7", contains="paid")).met
    assert see_http(HttpEffect(get=f"{server}/invoices/8", status=404, contains="unknown")).met
    assert see_http(HttpEffect(get=f"{server}/invoices/8")).detail == "it answers 404"
    assert (
        see_http(HttpEffect(get=f"{server}/invoices/7", contains="open")).detail == "its answer does not hold the text"
    )


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://[", "http://", "http://exa mple/"])
def test_a_server_that_does_not_answer_has_not_shown_anything(address: str) -> None:
    """A refused connection or a nonsensical address is a miss, not a crash."""
    assert not see_http(HttpEffect(get=address)).met


def test_only_web_addresses_are_asked(tmp_path: Path) -> None:
    """A `file:` address would read files under the name of a GET."""
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    seen = see_http(HttpEffect(get=secret.as_uri()))
    assert not seen.met
    assert "only http" in seen.detail


# ------------------------------------------------------------------------------------------------------------- sql


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A database with two invoices."""
    with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
        connection.execute("create table invoices (number text, paid integer)")
        connection.executemany("insert into invoices values (?, ?)", [("A-1", 1), ("O'Neil", None)])
        connection.commit()
    return tmp_path


def paid(shows: str, query: str = "select paid from invoices where number = :number") -> SqlEffect:
    """Expect something of an invoice."""
    return SqlEffect(database="sqlite:///books.db", query=query, shows=shows)


def test_the_first_value_of_a_query_must_be_the_expected_text(books: Path) -> None:
    """Values are bound by name, so a quote in a value is only a quote; nothing shows as an empty text."""
    assert see_sql(paid("1"), {"number": "A-1", "other": "x"}, books).met
    assert see_sql(paid(""), {"number": "O'Neil"}, books).met
    assert see_sql(paid("0"), {"number": "A-1"}, books).detail == "it shows '1'"
    assert see_sql(paid("1"), {"number": "B-1"}, books).detail == "no rows"


def test_a_query_that_cannot_be_asked_is_a_miss_that_says_why(books: Path) -> None:
    """A wrong table, a value that nobody gave, a database of an unknown kind: one sentence each."""
    assert "no such table" in see_sql(paid("1", "select 1 from receipts"), {}, books).detail
    assert see_sql(paid("1"), {}, books).detail == "the query names number, which is no parameter"
    unknown = SqlEffect(database="sqlite+nowhere:///x.db", query="select 1", shows="1")
    assert not see_sql(unknown, {}, books).met


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    """Looking must not leave an empty database behind."""
    seen = see_sql(paid("1"), {"number": "A-1"}, tmp_path)
    assert not seen.met
    assert list(tmp_path.iterdir()) == []
