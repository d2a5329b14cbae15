"""What the desk's search boxes look into."""

from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest


class FoldedSearch:
    """Search fields of text are compared as everywhere: folded, so that 'kruger' finds 'Krüger'."""

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Return the fields, each with how it is compared where it doesn't say so itself."""
        return [self._folded(name) for name in super().get_search_fields(request)]  # type: ignore[misc]

    def _folded(self, name: str) -> str:
        try:
            field = get_fields_from_path(self.model, name)[-1]  # type: ignore[attr-defined]
        except FieldDoesNotExist:
            return name
        return f"{name}__finds" if isinstance(field, models.CharField | models.TextField) else name
