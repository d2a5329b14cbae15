"""What tests that commit leave is cleared away, and nothing else."""

import asyncio

import pytest
from django.core.management.color import no_style
from django.db import connection

from tests.factories import UserFactory


@pytest.mark.django_db(transaction=True)
def test_what_the_migrated_database_came_with_stays_also_while_a_browser_is_open() -> None:
    """Playwright's loop runs in the thread of the tests; where one does, Django has connections of their own."""
    UserFactory.create()

    def emptied() -> str:
        return "\n".join(connection.ops.sql_flush(no_style(), ["courses_user", "django_content_type"]))

    async def emptied_in_a_loop() -> str:
        try:
            return emptied()
        finally:
            connection.close()

    # Where another test has left a browser open, this one is in its loop.
    is_in_a_loop = asyncio._get_running_loop() is not None
    said = emptied() if is_in_a_loop else asyncio.run(emptied_in_a_loop())
    assert "courses_user" in said
    assert "django_content_type" not in said
