"""`mayhouse wallet rotate`: another wallet takes over signing."""

from typing import Annotated

import typer

from mayhouse_cli.bootstrap import open_vault
from mayhouse_cli.commands.amounts import eth
from mayhouse_cli.commands.invocation import SIGN_SECONDS, Invocation
from mayhouse_cli.commands.wallet import NameArgument, PasswordFileOption, new_password, password
from mayhouse_cli.errors import ConsentMissing, WrongUsage
from mayhouse_cli.models import Address
from mayhouse_cli.operations import rotation
from mayhouse_cli.operations.rotation import Rotated
from mayhouse_cli.operations.rotation_plan import RotationPlan, plan_rotation
from mayhouse_cli.options import CommonOptions, SigningOptions, command
from mayhouse_cli.ports import KeyVault, Session
from mayhouse_cli.render import Block, Line, Table, dim, good


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "rotate")(rotate)


def rotate(
    common: CommonOptions,
    signing: SigningOptions,
    name: NameArgument = None,
    password_file: PasswordFileOption = None,
    while_frozen: Annotated[
        bool, typer.Option("--while-frozen", help="Rotate in spite of a freeze, which stays.")
    ] = False,
) -> None:
    """Have another wallet sign: a new keystore, the balance moved, the configuration changed.

    Example: mayhouse wallet rotate platform-2 --dry-run
    """
    if signing.no_wait or signing.idempotency_key is not None:
        raise WrongUsage(
            "A rotation takes no --no-wait and no --idempotency-key",
            hint="Run again, it goes on where it was.",
        )
    invocation = Invocation(common)
    choices = invocation.signing_choices(signing)
    vault = open_vault(invocation.config)
    with invocation.session(SIGN_SECONDS) as session:
        plan = plan_rotation(name, vault, choices, session, while_frozen=while_frozen)
        result = rotation.planned(plan, session)
        if not (signing.dry_run or plan.complete):
            _consent(invocation, signing, plan, session)

            def open_new() -> Address:
                return _open_new(invocation, plan, vault, password_file)

            session.deadline.restart()
            result = rotation.rotate(plan, open_new, choices, session)
    invocation.show(result, _blocks(result), _warnings(invocation, result))


def _consent(
    invocation: Invocation, signing: SigningOptions, plan: RotationPlan, session: Session
) -> None:
    if signing.yes:
        return
    blocks = _blocks(rotation.planned(plan, session))
    spending = plan.spending(session)
    if spending is not None:
        invocation.consent(spending, signing, blocks)
        return
    if not invocation.may_ask:
        raise ConsentMissing(
            "Changing the signer needs consent, and nobody can be asked",
            hint="Look at it with --dry-run, then add --yes.",
        )
    invocation.output.note(blocks)
    invocation.confirm("Change the signer?")


def _open_new(
    invocation: Invocation, plan: RotationPlan, vault: KeyVault, file: PasswordFileOption
) -> Address:
    """Make the keystore; one that is there already is opened, so that its password is known."""
    if plan.new is None:
        return vault.create(plan.wallet, new_password(invocation, file))
    vault.unlock(plan.wallet, password(invocation, file, f"Password of the wallet {plan.wallet}"))
    return plan.new


def _warnings(invocation: Invocation, result: Rotated) -> list[str]:
    if result.complete and invocation.config.values.get("platform_private_key") is not None:
        return ["PLATFORM_PRIVATE_KEY still holds the old key: unset it, or nothing signs."]
    return []


def _blocks(result: Rotated) -> list[Block]:
    head = f"{result.wallet} signs" if result.complete else f"{result.wallet} is to sign"
    rows = [["from", result.old_address], ["to", result.new_address or "a new key"]]
    if result.swept_wei is not None:
        rows.append(["balance", eth(result.swept_wei)])
    steps = [[one.name, one.state.value, one.detail] for one in result.steps]
    blocks: list[Block] = [
        good(head) if result.complete else Line(head, "bold"),
        Table(rows, indent=2),
        Table(steps, ["step", "", ""], indent=2),
    ]
    if result.owner_stays is not None:
        told = f"The contract's owner stays {result.owner_stays}: set-fee, set-stake and withdraw"
        blocks.append(dim(f"  {told} need its key."))
    if result.complete:
        blocks.append(dim("  Keep the old keystore: what is still paid to it needs its key."))
    return blocks
