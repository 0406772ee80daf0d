"""`smets1-bench verify`: says of a pack what is proven and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.errors import ExitCode, UsageError
from bench.printable import printable

if TYPE_CHECKING:
    from bench.evidence.findings import Verification


@click.command(
    epilog="Exit codes: 0 all proven, 1 tampered, 2 not a pack (or usage), 3 something unproven."
)
@click.argument("pack", metavar="PACK", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The Ed25519 public key (PEM) of who is believed; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def verify(context: click.Context, pack: Path, keys: tuple[Path, ...], as_json: bool) -> None:
    """Verifies an evidence pack, offline, and says line by line what was proven.

    The rules are judged again from the packed trace, and the reports made again: nothing in the
    pack is believed that can be worked out.

    \b
    Examples:
      smets1-bench verify monday.pack.zip --key signing-key.pub
      smets1-bench verify monday.pack.zip --json
    """
    from bench.evidence.archive import NotAPack, file_bytes
    from bench.evidence.signing import read_public_key
    from bench.evidence.verifying import verify as look

    trusted = [read_public_key(path) for path in keys]
    try:
        found = look(file_bytes(pack), trusted)
    except NotAPack as error:
        raise UsageError(f"{pack}: not an evidence pack of this bench: {error}") from None
    if as_json:
        click.echo(json.dumps(_as_json(found)))
    else:
        for line in _lines(found):
            click.echo(printable(line))
    context.exit(int(found.exit_code))


def _lines(found: Verification) -> list[str]:
    lines = [f"{each.state:<9} {each.about:<10} {each.said}" for each in found.findings]
    lines += [f"{'note':<9} {'':<10} {note}" for note in found.notes]
    manifest = found.manifest
    if manifest is not None and found.exit_code is not ExitCode.FAIL:
        said = f"{manifest.evidence}  suite {manifest.suite}: {found.result}"
        lines += ["", f"{said} ({manifest.tool}, started {manifest.started})"]
    return [*lines, _WORDS[found.exit_code]]


_WORDS = {
    ExitCode.PASS: "all proven",
    ExitCode.FAIL: "TAMPERED",
    ExitCode.INCONCLUSIVE: "not all proven",
}


def _as_json(found: Verification) -> dict[str, object]:
    manifest = found.manifest
    return {
        "format": 1,
        "verdict": _WORDS[found.exit_code].lower(),
        "evidence": manifest.evidence if manifest else None,
        "result": found.result or None,
        "manifest": f"sha256:{manifest.digest}" if manifest else None,
        "findings": [
            {"state": each.state, "about": each.about, "said": each.said} for each in found.findings
        ],
        "notes": list(found.notes),
    }
