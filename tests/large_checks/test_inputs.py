"""Folders, patterns, and what a check may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.check import check
from bench.errors import UsageError
from bench.large_checks import means
from bench.large_checks.inputs import trace_files
from bench.large_checks.means import Means, means_for


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in (
        "b.jsonl",
        "a.parquet",
        "sub/c.jsonl",
        "notes.txt",
        "shards.jsonl",
        "checkpoints.jsonl",
        "captures/hub.jsonl",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["{}"], ["a.parquet", "b.jsonl", "sub/c.jsonl"]),
        (["{}/[a-b]*.jsonl"], ["b.jsonl"]),
        (["{}/**/[bc].jsonl"], ["b.jsonl", "sub/c.jsonl"]),
        (["{}/b.jsonl", "{}/a.parquet"], ["b.jsonl", "a.parquet"]),
        (["{}/not-there.jsonl"], ["not-there.jsonl"]),
    ],
)
def test_words_and_their_files(words: list[str], files: list[str], archive: Path) -> None:
    found = trace_files(word.format(archive) for word in words)
    assert found == [str(archive / file) for file in files]


def test_a_name_with_an_asterisk_is_a_name_first(tmp_path: Path) -> None:
    path = tmp_path / "a*.jsonl"
    path.write_text("")
    (tmp_path / "ab.jsonl").write_text("")
    assert trace_files([str(path)]) == [str(path)]


def test_every_word_that_stands_for_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        trace_files([str(tmp_path), str(tmp_path / "*.jsonl")])
    assert len(caught.value.problems) == 2
    assert "found none" in str(caught.value)


def test_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("x" * 1000)
    assert means_for([str(path)], None, None) is None
    assert means_for([str(path)], 3, None) == Means(3, means.MEMORY)
    monkeypatch.setattr(means, "_LARGE", 999)
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    assert means_for([str(path)], None, None) == Means(5, means.MEMORY)
    assert means_for(["-"], None, None) is None
    monkeypatch.setattr(means, "find_spec", lambda name: None)
    assert means_for([str(path)], None, None) is None


def test_standard_input_is_not_divided() -> None:
    with pytest.raises(UsageError, match="standard input is read only once"):
        means_for(["-"], 2, None)


@pytest.mark.parametrize("size", ["1", "2GB", "-1GiB", "0MiB", "¹MiB", "GiB"])
def test_a_size_that_is_none(size: str) -> None:
    result = CliRunner().invoke(check, ["--memory", size, "x.jsonl"])
    assert result.exit_code == 2
    assert "expected a size such as 512MiB or 2GiB" in result.output
