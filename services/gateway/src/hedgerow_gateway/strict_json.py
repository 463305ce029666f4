"""Request bodies, read so that nothing in them is rounded, doubled or left out."""

import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from starlette.requests import ClientDisconnect, Request

from hedgerow_gateway.problems import Problem

BODY_LIMIT = 64 * 1024
BODY_TIMEOUT_S = 10.0


class StrictRequest(Request):
    """A request whose body has a limit, and whose JSON numbers stay decimals."""

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Problem: 413 too large, 408 too slow, 400 broken off.
        """
        if not hasattr(self, "_body"):
            try:
                async with asyncio.timeout(BODY_TIMEOUT_S):
                    self._body = await self._read()
            except TimeoutError:
                raise Problem(
                    408, "slow-body", f"the body did not come within {BODY_TIMEOUT_S:g} s"
                ) from None
            except ClientDisconnect:
                raise Problem(400, "malformed-json", "the body broke off") from None
        return self._body

    async def json(self) -> Any:
        """The body as plain Python, numbers with a fraction or an exponent as Decimal.

        Raises:
            Problem: 400, it is no JSON.
        """
        return parse_json(await self.body())

    async def _read(self) -> bytes:
        chunks = bytearray()
        async for chunk in self.stream():
            chunks += chunk
            if len(chunks) > BODY_LIMIT:
                raise Problem(413, "body-too-large", f"the body has more than {BODY_LIMIT} bytes")
        return bytes(chunks)


def require_json(request: Request) -> None:
    """
    Raises:
        Problem: 415, the body is not said to be JSON.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            415, "media-type", f"Content-Type is {media_type or 'missing'}, it should be application/json"
        )


def parse_json(body: bytes) -> Any:
    """Read one JSON text in UTF-8.

    Raises:
        Problem: 400, it is none, is nested too deeply, has NaN or Infinity, or a name twice in one object.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_repetition,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _malformed("nested too deeply") from None
    except ArithmeticError:
        raise _malformed("a number's exponent is too large") from None
    except ValueError as error:
        raise _malformed(str(error)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _without_repetition(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        found[name] = value
    return found


def _malformed(detail: str) -> Problem:
    return Problem(400, "malformed-json", f"the body is no JSON: {detail}")
