"""`python tests/large_checks [MUTANTS]`: shares against the streaming form, on many mutants."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "mutants")]


def main(mutants: int) -> int:
    from mixing import mixed
    from mutating import TOLERANCE

    from bench.cli.check import judge_files
    from bench.large_checks.means import MEMORY, Means
    from bench.large_checks.parquet import write_parquet
    from bench.large_checks.whole import judge_large
    from bench.mehrs.loader import load_strategy
    from bench.trace import to_json

    events = mixed(mutants)
    strategy = load_strategy()
    with tempfile.TemporaryDirectory() as folder:
        lines, rows = Path(folder) / "trace.jsonl", Path(folder) / "trace.parquet"
        lines.write_text("".join(f"{to_json(event)}\n" for event in events), "utf-8")
        write_parquet(events, rows)
        same = True
        for path in (lines, rows):
            for sort in (False, True):
                streamed = judge_files([str(path)], strategy, TOLERANCE, sort=sort)
                divided = judge_large([str(path)], strategy, TOLERANCE, Means(2, MEMORY), sort=sort)
                same = same and divided == streamed
    rules = Counter(finding.rule for finding in streamed.findings)
    print(f"{streamed.events:,} events of {streamed.installations:,} installations")
    print(f"{sum(rules.values()):,} findings of {len(rules)} rules; shares agree: {same}")
    return not same


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
