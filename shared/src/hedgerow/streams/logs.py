"""JSON logs, one object a line, with the role where there is one."""

import logging
import sys

import structlog

_QUIET = {
    "faust": logging.WARNING,
    "mode": logging.ERROR,
    "aiokafka": logging.ERROR,
    # Faust logs its services under the module of their class.
    "hedgerow.streams.faust_app": logging.ERROR,
    # The worker itself says which server is away; librdkafka would say it several times a second.
    "librdkafka": logging.CRITICAL,
}


def set_up_logs(roles: list[str]) -> None:
    """Send this process's logs, and what libraries log, to standard error as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    structlog.contextvars.bind_contextvars(roles=",".join(roles))
