"""A Kafka that takes encrypted connections with a login only: every kind of client of ours gets in, and nobody else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trusted_servers
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from worker_process import WorkerProcess

from hedgerow.cli.topics import read_acknowledgements
from hedgerow.schemas.topics import STRATEGIES, STRATEGY_STATUS
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.sender import KafkaUnreachable, Sender
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import kafka as local_kafka
from hedgerow_local.owned import OwnedProcess
from hedgerow_local.ports import LOOPBACK, free_ports

PASSWORD = "correct horse"
PLAIN_LOGIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_hedgerow="{PASSWORD}";'
SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Bootstrap servers of the guarded listener, and the authority that signed its certificate."""
    home = tmp_path_factory.mktemp("guarded-kafka")
    plain, controller, guarded = free_ports(3)
    authority, identity = trusted_servers.make(home)
    local_kafka.prepare(home, plain, controller)
    settings = home / "server.properties"
    settings.write_text(
        settings.read_text().replace(f":{plain},", f":{plain},SASL_SSL://{LOOPBACK}:{guarded},", 1)
        + f"""
advertised.listeners=PLAINTEXT://{LOOPBACK}:{plain},SASL_SSL://{LOOPBACK}:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={identity}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={PLAIN_LOGIN}
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={SCRAM_LOGIN}
"""
    )
    process = OwnedProcess("Kafka", local_kafka.server_command(home), log=home / "kafka.log")
    try:
        local_kafka.wait_until_ready(f"{LOOPBACK}:{plain}", home, process.require_alive)
        admin = local_kafka.admin_client(f"{LOOPBACK}:{plain}")
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        login = UserScramCredentialUpsertion("hedgerow", info, PASSWORD.encode())
        admin.alter_user_scram_credentials([login])["hedgerow"].result(60)
        yield f"{LOOPBACK}:{guarded}", authority
    finally:
        process.stop(local_kafka.STOP_GRACE_S)


@pytest.fixture(params=["PLAIN", "SCRAM-SHA-512"])
def login(
    guarded: tuple[str, Path], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, dict[str, str]]:
    """The servers, and the settings with which one gets in; this process has them too."""
    servers, authority = guarded
    settings = {
        "HEDGEROW_KAFKA_SECURITY": "SASL_SSL",
        "HEDGEROW_KAFKA_SASL_MECHANISM": request.param,
        "HEDGEROW_KAFKA_USER": "hedgerow",
        "HEDGEROW_KAFKA_PASSWORD": PASSWORD,
        "HEDGEROW_KAFKA_CA": str(authority),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return servers, settings


async def test_what_is_sent_is_read_by_every_client(
    login: tuple[str, dict[str, str]], start_worker: Callable[..., WorkerProcess]
) -> None:
    servers, settings = login
    ensure_topics(servers, 4)
    await Sender(servers).send(STRATEGIES.name, "test/nobody", None)
    async with LogReader(servers, (STRATEGIES.name, 0)) as log:
        assert await log.end() > await log.first()
    assert read_acknowledgements(servers).newest == {}
    # Faust, librdkafka's producer and aiokafka's consumers in one worker.
    start_worker("router,risk", HEDGEROW_KAFKA=servers, **settings).wait_ready()


@pytest.mark.parametrize("login", ["SCRAM-SHA-512"], indirect=True)
@pytest.mark.parametrize(
    ("changed", "value"),
    [("HEDGEROW_KAFKA_PASSWORD", "wrong"), ("HEDGEROW_KAFKA_CA", ""), ("HEDGEROW_KAFKA_SECURITY", "")],
)
async def test_who_has_no_login_or_trusts_nobody_is_told_so(
    login: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, changed: str, value: str
) -> None:
    servers, _ = login
    monkeypatch.setenv(changed, value)
    if changed == "HEDGEROW_KAFKA_SECURITY":
        monkeypatch.delenv("HEDGEROW_KAFKA_USER")
    with pytest.raises(KafkaUnreachable, match="cannot be reached"):
        await Sender(servers).require_topic(STRATEGY_STATUS.name)
