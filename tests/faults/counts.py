"""Counts of the sweeps, shown at the end of every run."""

import pytest
from _pytest.terminal import TerminalReporter

COUNTS = "fault counts"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print what each sweep has counted; the reports carry it, from other processes too."""
    lines = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == COUNTS
    ]
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
