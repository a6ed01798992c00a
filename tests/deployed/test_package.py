"""What goes to Lambda: how large it is, for which processor it was built, and that nothing else has slipped in."""

import json
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from infra.deploying import packaged
from infra.local.env import ROOT

MB = 1_000_000
LARGEST_ZIP, LARGEST_UNPACKED = 15 * MB, 42 * MB
"""Our budget: a copy of a function fetches and unpacks all of it before it begins. Lambda itself allows 50 and 250."""

UNCHECKED = (1).to_bytes(4, "little")
"""The flags of bytecode that is known by its hash and never compared with its source, see PEP 552."""

AARCH64 = 183
"""The machine's number in the header of an ELF file, see elf(5)."""

NOT_FOR_LAMBDA = {"boto3", "hypothesis", "infra", "moto", "pip", "pytest", "setuptools", "tests", "wheel", "yaml"}


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """The packaged stage."""
    return packaged.package("prod", out=tmp_path_factory.mktemp("packaged") / "out")


@pytest.fixture(scope="module")
def package(template):
    """The zip that all functions share."""
    with zipfile.ZipFile(template.parent / "deployment.zip") as opened:
        yield opened


def parts(package, megabytes):
    """The first two levels of what lies in it, as far as they are larger, for a message."""
    sizes: Counter[str] = Counter()
    for info in package.infolist():
        sizes["/".join(info.filename.split("/")[:2])] += info.file_size
    return {name: f"{size / MB:.1f} MB" for name, size in sizes.most_common() if size > megabytes * MB}


def libraries(package):
    """The compiled extensions, and the first bytes of each."""
    return {name: package.read(name)[:20] for name in package.namelist() if re.search(r"\.so(\.|$)", name)}


def test_the_zip_stays_within_its_budget(template, package):
    size = (template.parent / "deployment.zip").stat().st_size

    assert size <= LARGEST_ZIP, parts(package, 1)


def test_what_it_holds_stays_within_its_budget(package):
    size = sum(info.file_size for info in package.infolist())

    assert size <= LARGEST_UNPACKED, parts(package, 1)


def test_every_function_runs_on_arm(template):
    resources = json.loads(template.read_text())["Resources"].values()

    built_for = {
        str(about["Properties"].get("Architectures"))
        for about in resources
        if about["Type"] == "AWS::Serverless::Function"
    }

    assert built_for == {"['arm64']"}


def test_every_extension_is_built_for_arm_and_for_the_python_that_runs_it(template, package):
    resources = json.loads(template.read_text())["Resources"].values()
    (runtime,) = {about["Properties"]["Runtime"] for about in resources if "Runtime" in about["Properties"]}
    version = runtime.removeprefix("python").replace(".", "")

    found = libraries(package)

    assert found, "argon2, cffi, cryptography and msgspec have extensions"
    assert [name for name, start in found.items() if int.from_bytes(start[18:20], "little") != AARCH64] == []
    assert [name for name in found if f"cpython-{version}-" not in name and "abi3" not in name] == []


def test_all_that_is_required_is_there_and_in_that_version(package):
    """Chalice only warns of a library that it found no wheel for, and packages without it."""
    pinned = re.findall(r"^(.+)==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    found = re.findall(r"^([^/]+)-([^-/]+)\.dist-info/METADATA$", "\n".join(package.namelist()), re.MULTILINE)

    assert sorted(map(spelled, found)) == sorted(map(spelled, pinned))


def spelled(requirement):
    """A name and its version, the name as all spell it."""
    name, version = requirement
    return name.lower().replace("-", "_"), version


def test_nothing_is_packaged_that_only_building_and_testing_need(package):
    tops = {name.split("/")[0].removesuffix(".py") for name in package.namelist()}
    of_chalice = {name for name in package.namelist() if name.startswith("chalice/")}

    assert tops & NOT_FOR_LAMBDA == set()
    assert of_chalice == {"chalice/__init__.py", "chalice/app.py"}


def test_bytecode_is_packaged_and_taken_as_it_is(package):
    """Chalice's own two files and app.py are brought by Chalice, without."""
    sources = {name for name in package.namelist() if name.endswith(".py") and name.count("/")}
    sources = {name for name in sources if not name.startswith("chalice/")}

    compiled = {name: package.read(name)[4:8] for name in package.namelist() if name.endswith(".pyc")}

    assert {bytecode_of(name) for name in sources} - compiled.keys() == set()
    assert {name for name, flags in compiled.items() if flags != UNCHECKED} == set()


def bytecode_of(source):
    folder, _, name = source.rpartition("/")
    return (
        f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-{sys.version_info.major}{sys.version_info.minor}.pyc"
    )


def test_botocore_knows_the_services_that_are_called_and_no_others(package):
    called = {
        name
        for path in (ROOT / "chalicelib").rglob("*.py")
        for name in re.findall(r'aws\.client\("([a-z0-9]+)"', path.read_text())
    }

    models = {name.split("/")[2] for name in package.namelist() if re.match("botocore/data/[^/]+/", name)}

    assert models == called
