"""Renders every report of a run's folder from its result, trace, captures and fault grid."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.report.files import write_file

HTML: Final = "report.html"
JUNIT: Final = "junit.xml"
MRR6: Final = "mrr6.csv"


def render(folder: Path) -> None:
    """Writes `report.html`, `junit.xml` and `mrr6.csv`, the same bytes each time.

    Raises `UsageError` where the folder's files are missing or faulty, `BenchError` where nothing
    can be written.
    """
    for name, content in rendered(folder).items():
        write_file(folder / name, content)


def rendered(folder: Path) -> dict[str, bytes]:
    """The reports by the names of their files. Raises `UsageError` as `render` does."""
    from bench.report.details import read_details
    from bench.report.exchanges import read_exchanges
    from bench.report.grid_record import read_grid
    from bench.report.html import report_html  # the template engine is loaded only here
    from bench.report.junit import junit_xml
    from bench.report.mrr6 import mrr6_csv
    from bench.report.trace_lines import read_lines
    from bench.report.wait_uncertainty import read_uncertainties
    from bench.result import read_result

    record = read_result(folder)
    trace = read_lines(folder, record)
    exchanges = read_exchanges(folder, record, trace)
    return {
        HTML: report_html(
            record,
            trace,
            read_details(folder),
            exchanges,
            read_grid(folder),
            read_uncertainties(folder),
        ).encode(),
        JUNIT: junit_xml(record).encode(),
        # With a byte order mark, without which spreadsheets do not take a CSV file for UTF-8.
        MRR6: mrr6_csv(record, trace).encode("utf-8-sig"),
    }
