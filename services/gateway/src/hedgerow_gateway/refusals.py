"""How the OpenAPI document describes problems."""

from typing import Any

from hedgerow_gateway.problems import MEDIA_TYPE, TYPE_PREFIX

_WORDS = {
    400: "The body is no JSON.",
    401: "There is no API key, or it is not known.",
    403: "The key's role may not do this.",
    404: "There is none.",
    408: "The body came too slowly.",
    409: "It contradicts what is known, or the market cannot be traded now; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "Fields cannot be accepted; `errors` names each. Nothing was changed.",
    503: "The ledger is away; nothing is known to have been changed.",
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details, RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
    "examples": [
        {
            "type": f"{TYPE_PREFIX}invalid",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": "nothing was changed; not acceptable: limit_price",
            "errors": [{"field": "limit_price", "reason": "should be a multiple of the tick 0.01"}],
        }
    ],
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of an endpoint that can refuse in these ways, and in those that each endpoint has."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _WORDS[status], "content": content}
        for status in sorted({*statuses, 401, 403, 422, 503})
    }
