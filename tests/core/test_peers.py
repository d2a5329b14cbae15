"""What is known of where a request comes from."""

import pytest
from django.test import Client

from amls.core.peers import line_of


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("203.0.113.77", "203.0.113.77"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_a_line_is_one_however_many_addresses_it_has(address: str, line: str) -> None:
    assert line_of(address) == line


@pytest.mark.django_db
def test_the_desk_alone_may_do_what_its_own_scripts_need() -> None:
    assert "unsafe-eval" in Client().get("/admin/login/").headers["Content-Security-Policy"]
    assert "unsafe-eval" not in Client().get("/").headers["Content-Security-Policy"]
