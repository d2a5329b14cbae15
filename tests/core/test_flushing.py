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

    async def emptied() -> str:
        try:
            return "\n".join(connection.ops.sql_flush(no_style(), ["courses_user", "django_content_type"]))
        finally:
            connection.close()

    said = asyncio.run(emptied())
    assert "courses_user" in said
    assert "django_content_type" not in said
