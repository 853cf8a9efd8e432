"""One run of a command: its options, its configuration, its output, and what it asks a person."""

import getpass
import os
import sys
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import typer

from mayhouse_cli.bootstrap import OpenSession, open_session
from mayhouse_cli.commands.arguments import parse_deadline
from mayhouse_cli.config import MAINNET_CHAIN_ID, Config, load_config
from mayhouse_cli.errors import ConfigurationError, ConsentMissing, CredentialsError, WrongUsage
from mayhouse_cli.money import (
    Wei,
    format_eth,
    format_eth_briefly,
    format_gwei,
    format_inr,
    parse_gwei,
)
from mayhouse_cli.operations.intents import FeeWait, SigningChoices, Spending
from mayhouse_cli.options import CommonOptions, SigningOptions, current_command
from mayhouse_cli.render import Block, Line, Output, Table
from mayhouse_cli.signing import ALLOW_RAW_KEY, OpenKey, RawKeySigner, open_signer

READ_SECONDS: Final = 10.0
SIGN_SECONDS: Final = 180.0
DECIDE_ANEW: Final = "Run it again to decide anew."


current_output: ContextVar[Output] = ContextVar("current_output")
"""The running command's output, which knows what must be masked when a failure is told."""


@dataclass(frozen=True)
class Invocation:
    """The options of one command, and what follows from them."""

    common: CommonOptions

    @cached_property
    def output(self) -> Output:
        output = make_output(self.common)
        current_output.set(output)
        return output

    @cached_property
    def config(self) -> Config:
        """The effective configuration; its secrets are masked in all output from then on."""
        config = load_config(self.common.config)
        self.output.hide(config.secrets)
        return config

    @property
    def may_ask(self) -> bool:
        """Whether a person is there to answer: a piped answer is not consent."""
        return (
            sys.stdin.isatty()
            and sys.stderr.isatty()
            and not self.common.json
            and not self.common.no_input
            and not os.environ.get("CI")
        )

    @contextmanager
    def session(self, default_timeout: float = READ_SECONDS) -> Iterator[OpenSession]:
        """Open a session for one operation."""
        timeout = self.common.timeout or default_timeout
        with open_session(
            self.config,
            timeout,
            self.output.progress,
            self.ask_password,
            current_command.get(""),
        ) as session:
            try:
                yield session
            finally:
                # Secrets from files and commands are known only once they were used.
                self.output.hide(self.config.secrets)

    def show(self, result: object, blocks: Iterable[Block], warnings: Iterable[str] = ()) -> None:
        """Print a result, its warnings first."""
        for warning in warnings:
            self.output.warn(warning)
        self.output.result(current_command.get(), result, blocks)

    # --- what a person is asked ---

    def ask_password(self, prompt: str) -> str:
        """Ask for a password without showing it; CredentialsError when nobody can be asked."""
        if not self.may_ask:
            raise CredentialsError(
                "No password is configured, and nobody can be asked",
                hint="Set MAYHOUSE_KEYSTORE_PASSWORD, its _FILE, or password_command.",
            )
        self.output.stop_progress()
        typed = getpass.getpass(f"{prompt}: ", stream=sys.stderr)
        self.output.hide([typed])
        return typed

    def ask_new_password(self, prompt: str) -> str:
        """Ask for a password twice."""
        first = self.ask_password(prompt)
        if first != self.ask_password("The same again"):
            raise CredentialsError("The two passwords differ", hint="Run it again.")
        return first

    def ask(self, question: str) -> str:
        """Ask a question on stderr and read one line; typer.Abort at the end of the input."""
        self.output.stop_progress()
        # Typer's own prompts end with a space on stdout, which belongs to the result alone.
        # What was typed before the question stands there is no answer to it.
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
        sys.stderr.write(f"{question} ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise typer.Abort
        return answer.strip()

    def confirm(self, question: str) -> None:
        """Ask yes or no; ConsentMissing unless the answer is yes."""
        if self.ask(f"{question} [y/N]").lower() not in ("y", "yes"):
            raise ConsentMissing("Declined; nothing was signed", hint=DECIDE_ANEW)

    def signing_choices(
        self, signing: SigningOptions, open_key: OpenKey = open_signer
    ) -> SigningChoices:
        """Read the signing options against the configuration, and find the key that they need."""
        config = self.config
        if signing.idempotency_key is not None and not signing.idempotency_key.strip():
            raise WrongUsage(
                "The idempotency key is empty", hint="Is the variable that should hold it set?"
            )
        if config.chain_id == MAINNET_CHAIN_ID and not signing.mainnet and not signing.dry_run:
            raise ConfigurationError(
                "The configured chain is Ethereum mainnet",
                hint="Add --mainnet if this is meant to move real money.",
            )
        if signing.allow_raw_key:
            config = config.with_option(ALLOW_RAW_KEY, value=True)
            vars(self)["config"] = config
        self._check_key(config, signing, open_key)
        self._ask_for_mainnet(config, signing)
        if signing.urgency is not None:
            config = config.with_option("urgency", signing.urgency)
            vars(self)["config"] = config  # in the place where the cached property keeps it
        max_fee = parse_gwei(signing.max_fee) if signing.max_fee else config.max_fee
        fee_wait = self._fee_wait(signing, max_fee)
        return SigningChoices(
            wait=not signing.no_wait,
            confirmations=signing.confirmations or config.confirmations,
            max_fee=fee_wait.price if fee_wait else max_fee,
            idempotency_key=signing.idempotency_key,
            fee_wait=fee_wait,
        )

    def may_sign(self, signing: SigningOptions) -> bool:
        """Whether a command that signs only when it must, `tx resume`, may do so on this chain."""
        if self.config.chain_id != MAINNET_CHAIN_ID:
            return True
        if signing.allow_raw_key:
            vars(self)["config"] = self.config.with_option(ALLOW_RAW_KEY, value=True)
        if signing.mainnet:
            self._ask_for_mainnet(self.config, signing)
        return signing.mainnet

    def _check_key(self, config: Config, signing: SigningOptions, open_key: OpenKey) -> None:
        """Refuse a wrong or forbidden key before any node is asked; no password is needed."""
        signer = open_key(config, self.ask_password)
        if isinstance(signer, RawKeySigner) and not signing.dry_run:
            signer.unlock()

    def _ask_for_mainnet(self, config: Config, signing: SigningOptions) -> None:
        """At a terminal --mainnet alone is a habit: the word is typed, whatever --yes says."""
        if config.chain_id != MAINNET_CHAIN_ID or signing.dry_run or not self.may_ask:
            return
        if self.ask("This signs on Ethereum mainnet. Type mainnet to go on:") != "mainnet":
            raise ConsentMissing("Declined; nothing was signed", hint=DECIDE_ANEW)

    def bulk_choices(self, signing: SigningOptions) -> SigningChoices:
        """Read the same for a whole file, whose rows have keys of their own."""
        if signing.idempotency_key is not None:
            raise WrongUsage(
                "A file has a key for each row, not one for all",
                hint="Give the file a column named key.",
            )
        return self.signing_choices(signing)

    def _fee_wait(self, signing: SigningOptions, max_fee: Wei) -> FeeWait | None:
        """Read what is waited for; a dry run waits for nothing and is priced as it is now."""
        if signing.wait_for_fee is None and signing.deadline is None:
            return None
        if signing.wait_for_fee is None or signing.deadline is None:
            raise WrongUsage(
                "--wait-for-fee and --deadline go together",
                hint="Like --wait-for-fee 5 --deadline 2h.",
            )
        wait = FeeWait(parse_gwei(signing.wait_for_fee), parse_deadline(signing.deadline))
        if wait.price > max_fee:
            raise WrongUsage(
                f"--wait-for-fee {signing.wait_for_fee} is above the cap of "
                f"{format_gwei(max_fee)} gwei",
                hint="Raise --max-fee (max_fee_gwei) as well if this is meant.",
            )
        if not (signing.yes or signing.dry_run or self.may_ask):
            # Told before the wait, not hours later.
            raise ConsentMissing(
                "After the wait nobody could be asked for consent",
                hint="Look at it with --dry-run, then add --yes.",
            )
        return None if signing.dry_run else wait

    def consent(
        self, spending: Spending | None, signing: SigningOptions, details: Iterable[Block]
    ) -> None:
        """Have the spending agreed to, by --yes or at a terminal; ConsentMissing otherwise."""
        if spending is None or signing.yes:
            return
        if not self.may_ask:
            raise ConsentMissing(
                f"Signing this ({format_eth(spending.value)} ETH and gas) needs consent, "
                "and nobody can be asked",
                hint="Look at it with --dry-run, then add --yes.",
            )
        self.output.note([*details, *spending_blocks(spending)])
        self.confirm("Sign and send?")


def spending_blocks(spending: Spending) -> list[Block]:
    """Show what consent is asked for: where, from, to, how much, and what is left."""
    inr = f"   {format_inr(spending.value_inr)}" if spending.value_inr is not None else ""
    to = "the contract" if spending.recipient == spending.contract else spending.recipient
    rows = [
        ["chain", spending.chain_name],
        ["contract", spending.contract],
        ["from", spending.sender],
        ["to", to],
        ["value", f"{format_eth(spending.value)} ETH{inr}"],
        ["gas at most", f"{format_eth_briefly(spending.most_fee + 10**12)} ETH"],
        ["balance after", f"at least {format_eth_briefly(spending.balance_after)} ETH"],
    ]
    return [Line(), Table(rows, indent=2), Line()]


def make_output(common: CommonOptions) -> Output:
    """Make the output that these options ask for."""
    return Output(
        as_json=common.json, quiet=common.quiet, verbose=common.verbose, no_color=common.no_color
    )
