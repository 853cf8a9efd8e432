"""`mayhouse init`: write the config file, and turn an old .env into config and keystore."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from mayhouse_cli.bootstrap import open_database, open_vault
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.config import (
    BY_KEY,
    CONFIG_NAME,
    Config,
    check_values,
    load_config,
    read_dotenv,
    read_secret_file,
)
from mayhouse_cli.errors import ConfigurationError, Refused, WrongUsage
from mayhouse_cli.keystore import parse_private_key
from mayhouse_cli.operations import setup
from mayhouse_cli.operations.setup import FoundSettings, KeyToKeep, SetUp
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.ports import KeyVault
from mayhouse_cli.render import Block, Line, Table, dim, good
from mayhouse_cli.signing import open_signer

# What a person is asked for, and whether the answer stays off the screen.
_QUESTIONS: Final = (
    ("blockchain_rpc_url", "Address (URL) of an Ethereum node", True),
    ("contract_address", "Address of the contract", False),
    ("eth_price_inr", "Rupees for one ETH", False),
    ("database_url", "URL of the Postgres database", True),
)
_ENV_FILE: Final = "--from-env-file"


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "init", exits=(0, 2, 3, 4, 6))(init)


def init(
    common: CommonOptions,
    from_env_file: Annotated[
        Path | None,
        typer.Option(
            _ENV_FILE,
            metavar="FILE",
            show_default=False,
            help="Take settings and key from a .env file; the key goes into a keystore.",
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            metavar="F",
            show_default=False,
            help="Read the new keystore's password from this file.",
        ),
    ] = None,
) -> None:
    """Write ./config.toml, or the file that --config names; never over an existing one.

    Example: mayhouse init --from-env-file .env
    """
    invocation = Invocation(common)
    path = _target(common)
    setup.refuse_existing(path)
    if from_env_file is not None:
        result = _from_env_file(invocation, path, from_env_file, password_file)
    elif password_file is not None:
        raise WrongUsage(f"--password-file goes with {_ENV_FILE}", hint="Leave it away.")
    else:
        texts = _asked(invocation, path) if invocation.may_ask else dict(setup.STARTER)
        checked = _checked(texts, path, str(path))
        result = setup.set_up(path, FoundSettings(texts), checked, open_vault(checked))
    invocation.show(result, _blocks(result), _warnings(result))


def _target(common: CommonOptions) -> Path:
    named = common.config or Path(os.environ.get("MAYHOUSE_CONFIG") or CONFIG_NAME)
    return Path.cwd() / named


def _asked(invocation: Invocation, path: Path) -> dict[str, str]:
    """Ask for what has no default; Enter leaves a setting out."""
    invocation.output.note([dim("Enter leaves a setting as it is; it can be set in the file.")])
    texts = dict(setup.STARTER)
    for key, question, hidden in _QUESTIONS:
        while True:
            default = texts.get(key, "")
            answer = typer.prompt(
                question, default, hide_input=hidden, show_default=bool(default), err=True
            ).strip()
            if not answer:
                break
            invocation.output.hide([answer] if hidden else [])
            try:
                _checked({**texts, key: answer}, path, "as typed")
            except ConfigurationError as error:
                invocation.output.note([Line(f"! {error.message}. {error.hint or ''}", "yellow")])
            else:
                texts[key] = answer
                break
    return texts


def _checked(texts: Mapping[str, str], path: Path, origin: str) -> Config:
    """Read the settings as the file would be read, the database URLs by their own parser."""
    config = check_values(texts, path.parent, origin)
    for key in ("database_url", "migration_database_url"):
        if key in texts:
            open_database(config, key)
    return config


def _from_env_file(
    invocation: Invocation, path: Path, env_file: Path, password_file: Path | None
) -> SetUp:
    found = setup.settings_of(read_dotenv(env_file), env_file)
    secrets = [text for key, text in found.texts.items() if BY_KEY[key].secret]
    invocation.output.hide([*secrets, found.private_key or ""])
    checked = _checked(found.texts, path, str(env_file))
    invocation.output.hide([*checked.secrets, found.private_key or ""])
    vault = open_vault(checked)
    keep = None
    if found.private_key is not None:
        keep = _key_to_keep(invocation, found, path, vault, password_file)
    return setup.set_up(path, found, checked, vault, keep, env_file)


def _key_to_keep(
    invocation: Invocation,
    found: FoundSettings,
    path: Path,
    vault: KeyVault,
    password_file: Path | None,
) -> KeyToKeep:
    """Read the key, and get the password that it is to be kept with."""
    key_alone = {**found.texts, "platform_private_key": found.private_key or ""}
    config = check_values(key_alone, path.parent, "the .env file")
    keystore = vault.path(config.require("wallet"))
    if os.path.lexists(keystore):
        raise Refused(
            f"There is a keystore {keystore} already",
            hint="A keystore is never overwritten: move it away, or set MAYHOUSE_WALLET in the "
            ".env file to another name.",
        )
    signer = open_signer(config, invocation.ask_password)  # compares it with platform_address
    key = parse_private_key(config.require("platform_private_key"))
    password = _new_password(invocation, password_file)
    invocation.output.hide([*config.secrets, password])
    return KeyToKeep(key, password, signer.address)


def _new_password(invocation: Invocation, file: Path | None) -> str:
    if file is not None:
        return read_secret_file(file)
    # The file that MAYHOUSE_CONFIG names is the one that is to be written.
    environment = {name: text for name, text in os.environ.items() if name != "MAYHOUSE_CONFIG"}
    configured = load_config(environment=environment).get("password")
    password = str(configured) if configured else invocation.ask_new_password("New password")
    if not password:
        raise WrongUsage("The password is empty", hint="A keystore needs a password.")
    return password


def _warnings(result: SetUp) -> list[str]:
    told = []
    if result.ignored:
        told.append(f"Not settings of mayhouse, left out: {', '.join(result.ignored)}")
    if result.keystore:
        told.append(
            f"{result.env_file} still holds the private key: delete it once `mayhouse doctor` "
            "is content"
        )
    return told


def _blocks(result: SetUp) -> list[Block]:
    blocks: list[Block] = [good(f"Wrote {result.config}, for your eyes only")]
    if result.keystore:
        blocks += [
            good(f"Kept the key in {result.keystore}"),
            Table([["address", str(result.address)]], indent=2),
            dim("  Keep the password and a copy of this file: neither can be recovered."),
        ]
    missing = [key for key, _, _ in _QUESTIONS if key not in result.settings]
    steps = [[f"set {', '.join(missing)}", "in that file"]] if missing else []
    if not result.keystore:
        steps.append(["mayhouse wallet new", "or `mayhouse wallet import`"])
    steps += [
        ["mayhouse migrate", "prepares the database"],
        ["mayhouse doctor", "checks everything"],
    ]
    return [*blocks, Line(), Line("Next"), Table(steps, indent=2)]
