"""What the build folder brings along: said once, brought again without harm, and refused where it cannot be had."""

import pytest

from infra.deploying import libraries
from infra.deploying.build import Target, build
from infra.deploying.libraries import BROUGHT, LibrariesMissing
from tests.kit.cloud import ACCOUNT, REGION, STAGE


@pytest.fixture
def folder(tmp_path):
    stream = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/laris-{STAGE}-events/stream/latest"
    return build(tmp_path / "project", Target(STAGE, REGION, ACCOUNT, stream, "1"))


def names(folder):
    return {path.name for path in (folder / "vendor").iterdir()}


def test_bringing_them_twice_leaves_them_as_they_are(folder):
    libraries.bring(folder)
    first = names(folder)

    libraries.bring(folder)

    assert {"botocore", "pynamodb", "msgspec"} <= first
    assert names(folder) == first
    assert (folder / "requirements.txt").read_text() == BROUGHT


def test_what_has_no_wheel_for_lambda_is_refused_and_nothing_is_brought(folder):
    (folder / "requirements.txt").write_text("no-such-library-anywhere==1.0\n")

    with pytest.raises(LibrariesMissing, match="no-such-library-anywhere"):
        libraries.bring(folder)

    assert not (folder / "vendor").exists()
