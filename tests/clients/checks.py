"""What the clients in Python share: counted checks, the table of process strings, pictures, made-up hosts.

A client is started as `CLIENT.py ENDPOINT KEY TEMPORARY_KEY FIXTURES`: where the server is, an access
key as ID:SECRET, one as ID:SECRET:TOKEN, and the project's fixtures. The server must take
`oss.test` for a base domain, and may call the server whose URL the variable CALLBACKS holds.
"""

import contextlib
import io
import json
import pathlib
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

from PIL import Image

HERE = pathlib.Path(__file__).parent

# Sizes worked out by hand from the documentation, for example.jpg (400x267) unless another object is named.
PROCESSES = json.loads(HERE.joinpath("processes.json").read_text("utf-8"))

# The style that the table names.
STYLE = ("small", "image/resize,w_50/format,png")

# Keys that suffer where an address is decoded too often, too seldom, or tidied up.
KEYS = json.loads(HERE.joinpath("keys.json").read_text("utf-8"))

passed = 0


@contextlib.contextmanager
def check(name):
    """Prints and counts what its block proves."""
    global passed
    yield
    passed += 1
    print("ok", name, flush=True)


def finish():
    """Ends the program's report with the count."""
    assert passed > 0
    print(passed, "checks passed")


@contextlib.contextmanager
def refused(kind, **expected):
    """Fails unless its block raises `kind` with these attributes."""
    try:
        yield
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name} is {getattr(error, name)}, not {value}: {error}"
    else:
        raise AssertionError(f"not refused: {kind.__name__} {expected}")


@dataclass(frozen=True)
class Place:
    """Where the server is and how it is spoken to."""

    endpoint: str
    key: tuple
    temporary: tuple
    fixtures: pathlib.Path

    @staticmethod
    def of_arguments():
        endpoint, key, temporary, fixtures = sys.argv[1:]
        return Place(endpoint, tuple(key.split(":")), tuple(temporary.split(":")), pathlib.Path(fixtures))

    def endpoint_named(self, host):
        """The endpoint under another name, which `made_up_hosts` lets resolve."""
        return f"http://{host}:{self.endpoint.rsplit(':', 1)[1]}"

    def fixture(self, name):
        return (self.fixtures / name).read_bytes()


def made_up_hosts():
    """Lets every name below .test be this machine, as a hosts file would."""
    resolve = socket.getaddrinfo

    def resolved(host, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        return resolve("127.0.0.1" if name.endswith(".test") else host, *rest, **more)

    socket.getaddrinfo = resolved


def check_answer(row, body, content_type):
    """Holds a processed answer against its row of the table; the picture is decoded whole."""
    process = row["process"]
    assert content_type == row["type"], f"{process}: {content_type}"
    if "json" in row:
        told = json.loads(body)
        assert {name: told[name] for name in row["json"]} == row["json"], f"{process}: {told}"
        return
    picture = Image.open(io.BytesIO(body))
    picture.load()
    assert Image.MIME[picture.format] == row["type"], f"{process}: {picture.format}"
    assert list(picture.size) == row["size"], f"{process}: {picture.size}"
    if row.get("corner") == "transparent":
        assert picture.getpixel((0, 0))[3] == 0, process


def fetch(url, method="GET", body=None, headers={}):
    """A request of no client in particular: status, headers and body, whatever they are."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
