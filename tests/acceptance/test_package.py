"""What is released: built, installed where nothing else of the project is, and run."""

import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from tests.database_server import query
from tests.documents import ROOT
from tests.sandbox_folder import SandboxFolder

SQL: Final = ROOT / "sql"


def execute(*words: str | Path, cwd: Path) -> str:
    """Run a program, which must succeed; gives its stdout."""
    told = subprocess.run(words, cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def build(target: str, source: Path, folder: Path) -> Path:
    """Build a wheel or a source distribution; nothing is fetched."""
    execute(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[SandboxFolder]:
    """The wheel in an environment of its own, with the dependencies that are installed here."""
    with SandboxFolder() as sandbox:
        environment = sandbox.home / "environment"
        execute(sys.executable, "-m", "venv", "--without-pip", environment, cwd=sandbox.home)
        pip = (sys.executable, "-m", "pip", "--python", environment / "bin/python", "install")
        execute(*pip, "--quiet", "--no-deps", "--no-index", wheel, cwd=sandbox.home)
        (packages,) = environment.glob("lib/python3*/site-packages")
        # After its own packages; a path of a .pth file has its own .pth files left unread, so
        # that the checkout, installed as editable here, is not found.
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
        yield sandbox


def run(installed: SandboxFolder, *words: str, **variables: str) -> str:
    """Run the installed script; gives its stdout."""
    told = subprocess.run(
        [installed.home / "environment/bin/mayhouse", *words],
        cwd=installed.home,
        env=installed.environment(**variables),
        capture_output=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_the_wheel_holds_the_migrations_the_role_and_the_contract(wheel: Path) -> None:
    """Every SQL file as it is here, the artifact, and the marker of a typed package."""
    with ZipFile(wheel) as archive:
        for path in SQL.rglob("*.sql"):
            name = f"mayhouse_cli/sql/{path.relative_to(SQL)}"
            assert archive.read(name) == path.read_bytes()
        names = set(archive.namelist())
    assert {"mayhouse_cli/py.typed", "mayhouse_cli/chain/MayhouseExperience.json"} <= names
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"mayhouse_cli", "mayhouse"}


@pytest.mark.sweep
def test_the_wheel_works_without_a_checkout(installed: SandboxFolder) -> None:
    """The code is the wheel's, and so are the migrations and the contract of its sandbox."""
    python = installed.home / "environment/bin/python"
    place = execute(python, "-c", "import mayhouse_cli; print(mayhouse_cli.__path__[0])",
                    cwd=installed.home)  # fmt: skip
    assert Path(place.strip()).is_relative_to(installed.home)
    assert run(installed, "--version").startswith("mayhouse ")
    assert "contract deployed" in run(installed, "sandbox", "up")
    config = str(installed.config)
    status = run(installed, "migrate", "--status", MAYHOUSE_CONFIG=config)
    assert status.count("applied") == len(list(SQL.glob("*.sql")))
    assert "answers as MayhouseExperience" in run(installed, "doctor", MAYHOUSE_CONFIG=config)


@pytest.mark.sweep
def test_the_wheel_migrates_an_empty_database(
    installed: SandboxFolder, empty_database_url: str
) -> None:
    """And tells where in the environment the script of the operating role is."""
    told = run(installed, "migrate", DATABASE_URL=empty_database_url)
    (place,) = (line.partition("psql -f ")[2] for line in told.splitlines() if "psql -f" in line)
    role = Path(place)
    assert role.is_relative_to(installed.home)
    assert role.read_bytes() == (SQL / "roles/mayhouse_operator.sql").read_bytes()
    assert query(empty_database_url, "SELECT count(*) FROM mayhouse.schema_migrations") == [
        (len(list(SQL.glob("*.sql"))),)
    ]


@pytest.mark.sweep
def test_the_source_distribution_builds_a_wheel_of_the_same_files(
    wheel: Path, tmp_path: Path
) -> None:
    """It is complete: nothing of the checkout that the wheel needs is left out."""
    source = build("sdist", ROOT, tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build("wheel", tmp_path / source.name.removesuffix(".tar.gz"), tmp_path / "again")
    with ZipFile(wheel) as one, ZipFile(again) as other:
        assert other.namelist() == one.namelist()
    assert source.stat().st_size < 5_000_000  # and nothing that was only downloaded is in it
