"""`mayhouse completion`: what a shell offers at the end of a line, and the scripts that ask for it.

A script hands the words of the line to `mayhouse __complete`, which runs none of them, and reads
back a line for each offer: "item", a tab, the word, a tab, what it is. Nothing that comes back is
ever run by the shell: titles and names are other people's words.
"""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer._click.shell_completion import _resolve_context, _resolve_incomplete

from mayhouse_cli.bootstrap import open_suggestions, open_vault
from mayhouse_cli.commands.invocation import Invocation
from mayhouse_cli.config import Config, load_config
from mayhouse_cli.models.suggestions import SuggestionKind
from mayhouse_cli.operations.patience import wait_at_most
from mayhouse_cli.options import CommonOptions, command
from mayhouse_cli.render import Block, Line

PATIENCE: Final = 1.0  # seconds; whoever presses Tab is waiting
_IN_THE_DATABASE: Final = {
    "event": SuggestionKind.EVENT,
    "events": SuggestionKind.EVENT,
    "booking": SuggestionKind.BOOKING,
    "transaction": SuggestionKind.TRANSACTION,
    "experience": SuggestionKind.EXPERIENCE,
    "traveler": SuggestionKind.PERSON,
    "attended": SuggestionKind.BOOKING,
    "no_show": SuggestionKind.BOOKING,
    "to": SuggestionKind.PERSON,
    "names": SuggestionKind.PAYABLE,
    "payable": SuggestionKind.PAYABLE,
}
"""What the parameter of a command names, by its own name."""
_WALLET: Final = "name"
_MAKES_WALLETS: Final = ("new", "import")
"""For which a name that is there already would be refused."""

BASH: Final = r"""# mayhouse's completion for bash. In ~/.bashrc: source <(mayhouse completion bash)
_mayhouse() {
    local kind value told values=() lines=()
    while IFS=$'\t' read -r kind value told; do
        case $kind in
            file) compopt -o default; COMPREPLY=(); return ;;
            item) values+=("$value"); lines+=("$value${told:+  ($told)}") ;;
        esac
    done < <(mayhouse __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
    # What is only listed, not inserted, may say what it is.
    if [[ ${#values[@]} -gt 1 && ( $COMP_TYPE == 63 || $COMP_TYPE == 33 ) ]]; then
        COMPREPLY=("${lines[@]}")
    else
        COMPREPLY=("${values[@]}")
    fi
}
complete -o nosort -F _mayhouse mayhouse
"""

ZSH: Final = r"""#compdef mayhouse
# mayhouse's completion for zsh. In ~/.zshrc, after compinit: source <(mayhouse completion zsh)
_mayhouse() {
    local kind value told
    local -a offered
    while IFS=$'\t' read -r kind value told; do
        case $kind in
            file) _files; return ;;
            item) offered+=("${value//:/\\:}${told:+:$told}") ;;
        esac
    done < <(mayhouse __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
    (( ${#offered} )) && _describe -V mayhouse offered
}
if [[ ${funcstack[1]} == _mayhouse ]]; then
    _mayhouse "$@"
else
    compdef _mayhouse mayhouse
fi
"""

FISH: Final = r"""# mayhouse's completion for fish. Once:
# mayhouse completion fish > ~/.config/fish/completions/mayhouse.fish
function __mayhouse_offers
    set -l before (commandline -opc)
    set -e before[1]
    set -l current (commandline -ct)
    mayhouse __complete $before "$current" 2>/dev/null </dev/null | while read -l line
        set -l parts (string split -m 2 \t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path "$current"
            case item
                printf '%s\t%s\n' $parts[2] $parts[3]
        end
    end
end
complete -c mayhouse -f -a '(__mayhouse_offers)'
"""


class Shell(StrEnum):
    """A shell with a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS: Final = {Shell.BASH: BASH, Shell.ZSH: ZSH, Shell.FISH: FISH}


@dataclass(frozen=True)
class CompletionScript:
    """`completion`: the text that the shell reads."""

    shell: str
    script: str


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "completion", exits=(0, 2))(completion)


def completion(
    common: CommonOptions,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script with which a shell completes commands, options and ids.

    Its first lines say where it belongs.

    Example: mayhouse completion bash
    """
    script = _SCRIPTS[shell]
    blocks: list[Block] = [Line(line) for line in script.splitlines()]
    Invocation(common).show(CompletionScript(shell.value, script), blocks)


# --- what a script asks -----------------------------------------------------------------


def answer(top: Any, words: Sequence[str]) -> None:  # noqa: ANN401 of Typer's own copy of Click
    """Print what could stand where the last word stands; never an error, whatever happens."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    answers, silence = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # whatever a library says is no offer; the scripts silence stderr
    try:
        text = "".join(_offers(top, words))
        os.write(answers, text.encode(errors="replace"))
    except BaseException:  # noqa: BLE001, S110 nothing is offered then
        pass
    sys.stdout.flush()
    os._exit(0)  # a database that hangs is not waited for


def _offers(top: Any, words: Sequence[str]) -> list[str]:  # noqa: ANN401 as above
    *before, incomplete = words or [""]
    before = [word for word in before if word != "="]  # bash takes --event=4 for three words
    context = _resolve_context(top, {}, "mayhouse", before)
    asked, incomplete = _resolve_incomplete(context, before, incomplete)
    found = _named(asked.name or "", context, incomplete) if _takes_a_name(asked) else None
    if found is None:
        if _takes_a_file(asked):
            return ["file\t\t\n"]
        items = asked.shell_complete(context, incomplete)
        found = [(item.value, item.help or "") for item in items]
    return [f"item\t{_one_line(value)}\t{_one_line(told)}\n" for value, told in found]


def _takes_a_name(asked: Any) -> bool:  # noqa: ANN401 as above
    is_parameter = hasattr(asked, "param_type_name")
    return is_parameter and (asked.name in _IN_THE_DATABASE or asked.name == _WALLET)


def _takes_a_file(asked: Any) -> bool:  # noqa: ANN401 as above
    kind = getattr(asked, "type_descriptor", None)
    return kind is not None and kind.annotation is Path


def _named(name: str, context: Any, incomplete: str) -> list[tuple[str, str]]:  # noqa: ANN401 as above
    config = _config_of(context)
    if name == _WALLET:
        makes = context.command.name in _MAKES_WALLETS
        wallets = () if makes else open_vault(config).list()
        return [(one.name, one.address or "") for one in wallets if one.name.startswith(incomplete)]
    *earlier, beginning = incomplete.split(",")  # lists of ids are written with commas
    kind = _IN_THE_DATABASE[name]

    def look() -> list[tuple[str, str]]:
        return list(open_suggestions(config, PATIENCE).named(kind, beginning))

    lead = "".join(f"{one}," for one in earlier)
    return [(lead + value, told) for value, told in wait_at_most(PATIENCE, look)]


def _config_of(context: Any) -> Config:  # noqa: ANN401 as above
    while context is not None:
        if (file := context.params.get("config")) is not None:
            return load_config(Path(file))
        context = context.parent
    return load_config(None)


def _one_line(text: str) -> str:
    """Without what would move the cursor or look like another field."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
