"""Every port has a suite here: modules of tests that name it in their PORTS.

What a port hands out (a FolderSession) may be named by the suite of that port.
"""

import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

from postroom.application import ports
from tests import contracts

SUITES = [
    import_module(found.name)
    for found in pkgutil.walk_packages(contracts.__path__, f"{contracts.__name__}.")
    if found.name.rpartition(".")[2].startswith("test_") and found.name != __name__
]


def test_every_port_has_a_suite() -> None:
    exported = {getattr(ports, name) for name in ports.__all__}
    wanted = {each for each in exported if getattr(each, "_is_protocol", False)}
    tested = {port for suite in SUITES for port in suite.PORTS}

    assert {port.__name__ for port in wanted - tested} == set()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.__name__)
def test_every_suite_says_what_it_is_of_and_has_tests(suite: ModuleType) -> None:
    assert suite.PORTS
    assert any(name.startswith("test_") for name in vars(suite))
