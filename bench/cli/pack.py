"""`smets1-bench pack`: makes one file of evidence from a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.errors import BenchError, UsageError
from bench.plain_file import NotPlain, open_plain
from bench.printable import printable

if TYPE_CHECKING:
    from bench.evidence.manifest import Amends
    from bench.evidence.packing import Packed

SUFFIX = ".pack.zip"


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"The pack; RUN{SUFFIX} beside the run's folder unless told.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sign with this Ed25519 private key (PEM), which only its owner may read.",
)
@click.option(
    "--new-key",
    is_flag=True,
    help="Make a key pair beside the pack (signing-key.pem, signing-key.pub) and sign with it.",
)
@click.option(
    "--amends",
    type=click.Path(path_type=Path),
    metavar="PACK",
    help="The earlier pack of the same run, which this one amends.",
)
@click.option("--reason", metavar="TEXT", help="Why it is amended.")
def pack(
    folder: Path,
    out: Path | None,
    key: Path | None,
    new_key: bool,
    amends: Path | None,
    reason: str | None,
) -> None:
    """Packs the folder of a run into one file that `verify` can prove, offline.

    The same run and key always give the same bytes. Without a key the pack is not signed: then
    write down the manifest's hash somewhere else, and nobody can exchange the pack unseen.

    \b
    Examples:
      smets1-bench pack runs/latest --new-key
      smets1-bench pack out --key lab.pem --out monday.pack.zip
      smets1-bench pack out --key lab.pem --amends monday.pack.zip --reason "customer's address"
    """
    from bench.evidence.packing import pack as make
    from bench.evidence.signing import PRIVATE, PUBLIC, Signer, read_private_key, store_key
    from bench.evidence.signing import new_key as create_key

    if key is not None and new_key:
        raise UsageError("expected --key or --new-key, got both")
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: expected the folder of a run, got "
            f"{'a file' if folder.exists() else 'nothing of that name'}",
            hint="name the folder that `smets1-bench run --out DIR` wrote",
        )
    target = _target(folder) if out is None else out
    amended = _amends(amends, reason, folder)
    signer = read_private_key(key) if key is not None else None
    made_key = create_key() if new_key else None
    if made_key is not None:
        signer = Signer(made_key)
    made = make(folder, signer, amended)
    there = _is_there(target, made.content)
    if made_key is not None:
        store_key(made_key, target.parent)
        click.echo(f"private key  {target.parent / PRIVATE}: whoever has it signs as you; keep it")
        click.echo(f"public key   {target.parent / PUBLIC}: give it to whoever verifies")
    if not there:
        _write(target, made.content)
    _tell(target, made, signed=signer is not None)


def _target(folder: Path) -> Path:
    resolved = folder.resolve()
    return resolved.parent / f"{resolved.name}{SUFFIX}"


def _amends(amends: Path | None, reason: str | None, folder: Path) -> Amends | None:
    from bench.evidence.manifest import Amends

    if amends is None and reason is None:
        return None
    if amends is None or not reason or not reason.strip():
        raise UsageError("expected --amends PACK and --reason TEXT together")
    return Amends(_manifest_of(amends, folder), " ".join(reason.split()))


def _manifest_of(path: Path, folder: Path) -> str:
    """The hash of the manifest of an earlier pack, which must be whole and of the same run."""
    from bench.evidence.amending import identity_of, refuse_another_run
    from bench.evidence.archive import NotAPack, file_bytes, read
    from bench.evidence.contents import run_files
    from bench.evidence.findings import State
    from bench.evidence.verifying import verify

    try:
        content = file_bytes(path)
        found = verify(content)
    except NotAPack as error:
        raise UsageError(f"{path}: expected a pack: {error}") from None
    wrong = [each for each in found.findings if each.state is State.TAMPERED]
    if wrong or found.manifest is None:
        raise UsageError(f"{path}: expected a pack that nobody changed: {wrong[0].said}")
    earlier, now = identity_of(read(content)), identity_of(run_files(folder).packed)
    refuse_another_run(earlier, now, path, folder)
    return found.manifest.digest


def _is_there(target: Path, content: bytes) -> bool:
    """Whether the same pack was written before. Raises `UsageError` where something else is."""
    try:
        if not target.exists():
            return False
        with open_plain(target) as file:
            same = file.read(len(content) + 1) == content
    except NotPlain as error:
        raise UsageError(
            f"{target}: {error.strerror}", hint="name another file with --out"
        ) from None
    except OSError as error:
        raise _unwritable(target, error) from None
    if not same:
        raise UsageError(
            f"{target}: holds something else already", hint="name another file with --out"
        )
    return True


def _write(target: Path, content: bytes) -> None:
    try:
        unfinished = target.with_name(f"{target.name}.unfinished")
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: OSError) -> BenchError:
    return BenchError(
        f"{target}: cannot be written: {error.strerror}",
        hint="name another file with --out, or make room on the disk",
    )


def _tell(target: Path, made: Packed, *, signed: bool) -> None:
    manifest = made.manifest
    shown = [
        ("pack", str(target)),
        ("evidence", f"{manifest.evidence}, {made.result} ({len(manifest.files)} files)"),
        ("trace", f"{manifest.lines} lines, head {manifest.head or 'none'}"),
        ("manifest", f"sha256 {manifest.digest}"),
    ]
    for name, said in shown:
        click.echo(f"{name:<12} {printable(said)}")
    if made.left_out:
        click.echo(f"{'not packed':<12} {printable(', '.join(made.left_out))}")
    if not signed:
        click.echo(
            "unsigned     write down the manifest's sha256 where others can see it, "
            "or sign with --key or --new-key"
        )
