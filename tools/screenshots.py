"""Draws the README's pictures: commands run on a sandbox of their own, as a terminal shows them.

Run it with `make screenshots` after a change of how a result looks; FOLDER as an argument draws
them elsewhere. Dates, addresses and hashes are those of the run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).parent.parent
PICTURES: Final = ROOT / "docs/pictures"
COLUMNS: Final = 110  # wider than any line that is drawn
EXPERIENCE: Final = "e0000000-0000-4000-8000-000000000001"
TRAVELERS: Final = (
    "b0000000-0000-4000-8000-000000000001",
    "b0000000-0000-4000-8000-000000000002",
)
# Rich's own format loads its typeface from elsewhere: a picture of ours loads nothing.
SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def anvil() -> str:
    """Give the chain node that `make tools` has fetched."""
    found = sorted((ROOT / "tools/node_modules/@foundry-rs").glob("anvil-*/bin/anvil"))
    return str(found[0]) if found else sys.exit("There is no anvil yet: run `make tools`")


class Studio:
    """A sandbox, and where its pictures go."""

    def __init__(self, home: Path, pictures: Path) -> None:
        """Know where the sandbox is; nothing runs yet."""
        self._pictures = pictures
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "FORCE_COLOR": "1",
            "TERM": "xterm-256color",
            "MAYHOUSE_SANDBOX": str(home / "sandbox"),
            "MAYHOUSE_CONFIG": str(home / "sandbox/config.toml"),
            "MAYHOUSE_ANVIL": os.environ.get("MAYHOUSE_ANVIL") or anvil(),
        }
        self._home = home

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command, which must end with this code; gives all that it shows."""
        finished = subprocess.run(  # noqa: S603 the installed script
            [Path(sys.executable).parent / "mayhouse", *words],
            env=self._environment,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        if finished.returncode != code:
            sys.exit(f"mayhouse {' '.join(words)} ended with {finished.returncode}, not {code}:\n"
                     f"{finished.stdout}")  # fmt: skip
        return finished.stdout

    def draw(self, name: str, *words: str, code: int = 0) -> None:
        """Run a command and keep what it shows as a picture, its command line above."""
        shown = self.run(*words, code=code).rstrip()
        console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
        console.print(Text.assemble(("$ ", "dim"), ("mayhouse " + " ".join(words), "bold")))
        for line in shown.splitlines():
            console.print(Text.from_ansi(line), soft_wrap=True)
        path = self._pictures / f"{name}.svg"
        drawn = console.export_svg(title="mayhouse", code_format=SVG, unique_id=name)
        path.write_text(drawn, encoding="utf-8")
        print(path)


def main() -> None:
    """Tell one event's story, and draw the steps that the README shows."""
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="mayhouse-"))
    starts = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT18:00+05:30")
    studio = Studio(home, pictures)
    try:
        studio.run("sandbox", "up")
        create = ("event", "create", "--experience", EXPERIENCE, "--seats", "4")
        studio.run(*create, "--price-inr", "2500", "--starts-at", starts, "--yes")
        studio.draw("quote", "booking", "quote", "1", "--seats", "2")
        for traveler, seats in zip(TRAVELERS, ("2", "1"), strict=True):
            book = ("booking", "create", "1", "--traveler", traveler, "--seats", seats)
            studio.run(*book, "--yes")
        studio.run("sandbox", "warp", "4d")
        studio.draw("refused", "event", "complete", "1", "--attended", "1", "--yes",
                    "--max-fee", "0.1", code=6)  # fmt: skip
        studio.draw("complete", "event", "complete", "1", "--attended", "1", "--yes")
        studio.draw("settle", "event", "settle", "1")
    finally:
        studio.run("sandbox", "down")
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
