"""At the end of a whole run: did the tests that `docs/requirements.md` names run, and pass?"""

from __future__ import annotations

import pytest

from tests.requirements import named_tests

_PASSED: set[str] = set()
_ALL = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """A run of some tests only says nothing of the others."""
    is_whole = (
        not config.option.keyword and not config.option.markexpr and list(config.args) == config.getini("testpaths")
    )
    config.stash[_ALL] = is_whole and not hasattr(config, "workerinput")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        _PASSED.add(report.nodeid.split("[")[0])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.stash[_ALL] or session.config.option.collectonly:
        return
    missing = sorted(name for name in named_tests(in_pytest=True) if name.split("[")[0] not in _PASSED)
    if missing:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("docs/requirements.md names tests that did not pass in this run:", red=True)
            for name in missing:
                reporter.write_line(f"  {name}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
