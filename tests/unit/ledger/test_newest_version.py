"""The version that workers ask for is Alembic's own head, though they do not ask Alembic."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from hedgerow.history.migrate import VERSIONS as HISTORY
from hedgerow.ledger.migrate import VERSIONS as LEDGER
from hedgerow.ledger.migrate import alembic_config, newest_version


@pytest.mark.parametrize("versions", [LEDGER, HISTORY])
def test_the_newest_file_is_the_head(versions: Path) -> None:
    scripts = ScriptDirectory.from_config(alembic_config("", versions))
    assert newest_version(versions) == scripts.get_current_head()
