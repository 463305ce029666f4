"""Asks a worker over HTTP on loopback."""

import http.client
import urllib.error
import urllib.request

import msgspec

from hedgerow_local.ports import LOOPBACK

TIMEOUT_S = 2.0


class Answer(msgspec.Struct, frozen=True):
    """`status` 0 means that nobody answered; `body` then says why."""

    status: int
    body: str

    @property
    def ok(self) -> bool:
        return self.status == 200


def get(port: int, path: str) -> Answer:
    """One GET. Not being answered is an answer."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=TIMEOUT_S) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as problem:
        return Answer(0, str(problem))
