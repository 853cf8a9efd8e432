"""`mayhouse wallet`: make, import, list and show the wallets of this machine."""

from pathlib import Path
from typing import Annotated

import typer

from mayhouse_cli.bootstrap import open_vault
from mayhouse_cli.commands.amounts import brief
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.config import read_secret_file
from mayhouse_cli.errors import Refused, WrongUsage
from mayhouse_cli.keystore import parse_private_key
from mayhouse_cli.operations import wallets
from mayhouse_cli.operations.wallets import WalletCreated
from mayhouse_cli.options import CommonOptions, command, group
from mayhouse_cli.ports import KeyVault
from mayhouse_cli.render import Block, Line, Table, dim, good

app = group("Make and look after the wallets of this machine.")

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Name of the wallet; the one that signs by default.",
        show_default=False,
    ),
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="F",
        show_default=False,
        help="Read the keystore's password from this file.",
    ),
]


@command(app, "new", exits=(0, 2, 3, 6))
def new(
    common: CommonOptions, name: NameArgument = None, password_file: PasswordFileOption = None
) -> None:
    """Make a new key in a keystore of its own; the key is never shown.

    Example: mayhouse wallet new platform --password-file secret.txt
    """
    invocation = Invocation(common)
    chosen = name or invocation.config.require("wallet")
    vault = open_vault(invocation.config)
    _refuse_taken(vault, chosen)
    secret = new_password(invocation, password_file)
    with invocation.session() as session:
        result, warnings = wallets.create_wallet(chosen, secret, vault, session)
    invocation.show(result, _created_blocks(result), warnings)


@command(app, "import", exits=(0, 2, 3, 6))
def import_(
    common: CommonOptions,
    name: NameArgument = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            metavar="F",
            show_default=False,
            help="Read the private key from this file.",
        ),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(
            "--keystore",
            metavar="F",
            show_default=False,
            help="Take over a keystore of cast, geth or another tool.",
        ),
    ] = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Keep an existing key in a keystore; asks for the key when no file names it.

    Example: mayhouse wallet import platform --keystore UTC--2026-11-28T12-00-00Z--88bb
    """
    invocation = Invocation(common)
    chosen = name or invocation.config.require("wallet")
    if key_file and keystore:
        raise WrongUsage("Either --key-file or --keystore", hint="Leave one of them away.")
    vault = open_vault(invocation.config)
    _refuse_taken(vault, chosen)
    with invocation.session() as session:
        if keystore is not None:
            secret = password(invocation, password_file, "Password of that keystore")
            result, warnings = wallets.import_keystore(chosen, keystore, secret, vault, session)
        else:
            text = (
                read_secret_file(key_file) if key_file else invocation.ask_password("Private key")
            )
            key = parse_private_key(text)
            secret = new_password(invocation, password_file)
            result, warnings = wallets.import_key(chosen, key, secret, vault, session)
    invocation.show(result, _created_blocks(result), warnings)


@command(app, "list", exits=(0, 2, 3))
def list_(common: CommonOptions) -> None:
    """List the wallets of this machine and of the database.

    Example: mayhouse wallet list
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result, warnings = wallets.list_wallets(open_vault(invocation.config), session)
    rows = [
        [
            one.name or "-",
            one.address or "not told by its file",
            one.role or "-",
            "signs" if one.signs else "",
            one.keystore or "no key here",
        ]
        for one in result.wallets
    ]
    blocks: list[Block] = [Table(rows, ["wallet", "address", "role", "", "keystore"])]
    invocation.show(result, blocks if rows else [dim("No wallets yet.")], warnings)


@command(app, "show", exits=(0, 2, 3, 5))
def show(common: CommonOptions, name: NameArgument = None) -> None:
    """Show a wallet's address and balance; the one that signs by default.

    Example: mayhouse wallet show
    """
    invocation = Invocation(common)
    with invocation.session() as session:
        result, warnings = wallets.show_wallet(name, open_vault(invocation.config), session)
    rows = [
        ["address", result.address],
        ["keystore", result.keystore or "none: the key is in the environment"],
        ["balance", brief(result.balance_wei) if result.balance_wei is not None else "not known"],
    ]
    head = Line(result.name or "the signing wallet", "bold")
    invocation.show(result, [head, Table(rows, indent=2)], warnings)


def _created_blocks(result: WalletCreated) -> list[Block]:
    return [
        good(f"Wallet {result.name}"),
        Table([["address", result.address], ["keystore", result.keystore]], indent=2),
        dim("  Keep the password and a copy of this file: neither can be recovered."),
    ]


def _refuse_taken(vault: KeyVault, name: str) -> None:
    """Say so before a password is asked for; the keystore itself refuses as well."""
    if vault.path(name).exists():
        raise Refused(f"A wallet named {name} exists already", hint="Choose another name.")


def new_password(invocation: Invocation, file: Path | None) -> str:
    """Get the password of a keystore that is to be made: from a file, as configured, or asked."""
    if file is not None:
        return read_secret_file(file)
    configured = invocation.config.get("password")
    return str(configured) if configured else invocation.ask_new_password("New password")


def password(invocation: Invocation, file: Path | None, prompt: str) -> str:
    """Get the password of a keystore that is there: from a file, as configured, or asked."""
    if file is not None:
        return read_secret_file(file)
    configured = invocation.config.get("password")
    return str(configured) if configured else invocation.ask_password(prompt)
