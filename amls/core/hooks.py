"""Hooks: what a lower layer asks and the apps above answer.

A lower layer declares a hook, typed by what is contributed to it:

    Boundaries = Callable[[], Iterable[QuerySet]]
    boundaries: Hook[Boundaries] = Hook("boundaries")

An app contributes in a module of its package `hooks`, which is found by itself:

    @boundaries
    def material_boundaries() -> Iterator[QuerySet]: ...

    @eligibility_rules.named("projects.passed")
    def project_passed(…) -> …: ...

and the lower layer goes through them: `for contribution in boundaries`, or asks for one by its name. Contributions
stand in the order of INSTALLED_APPS.
"""

import pkgutil
from collections.abc import Callable, ItemsView, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, TypeVar

from django.apps import apps

Contribution = TypeVar("Contribution")


class HookError(Exception):
    """Two contributions to one hook have the same name."""


class Hook(Generic[Contribution]):
    """What several apps contribute, each contribution under a name of its own."""

    def __init__(self, name: str) -> None:
        """Declare a hook; `name` says in errors what is contributed ('letters')."""
        self.name = name
        self._contributions: dict[str, Contribution] = {}

    def add(self, name: str, contribution: Contribution) -> Contribution:
        """Contribute under a name, and return the contribution.

        Raises:
            HookError: another one has the name. The same function or object may come twice, as when its module
                is imported under two names.
        """
        if self._contributions.setdefault(name, contribution) is not contribution:
            raise HookError(f"Two of the {self.name} are called '{name}'.")
        return contribution

    def named(self, name: str) -> Callable[[Contribution], Contribution]:
        """Contribute, as a decorator, under a name that others ask for or that is stored."""
        return lambda contribution: self.add(name, contribution)

    def __call__(self, contribution: Contribution) -> Contribution:
        """Contribute, as a decorator, a function or class whose name nobody asks for."""
        module, name = getattr(contribution, "__module__", ""), getattr(contribution, "__qualname__", "")
        return self.add(f"{module}.{name}", contribution)

    def __iter__(self) -> Iterator[Contribution]:
        """Go through the contributions, in the order in which they came."""
        return iter(tuple(self._contributions.values()))

    def __reversed__(self) -> Iterator[Contribution]:
        """Go through them from the uppermost app down."""
        return reversed(tuple(self._contributions.values()))

    def __contains__(self, name: object) -> bool:
        """Return whether somebody contributed under this name."""
        return name in self._contributions

    def __getitem__(self, name: str) -> Contribution:
        """Return what was contributed under a name.

        Raises:
            LookupError: nobody contributed it.
        """
        try:
            return self._contributions[name]
        except KeyError:
            raise LookupError(f"No app contributes '{name}' to the {self.name}.") from None

    def get(self, name: str) -> Contribution | None:
        """Return what was contributed under a name, or None."""
        return self._contributions.get(name)

    def names(self) -> list[str]:
        """Return the names of the contributions."""
        return list(self._contributions)

    def items(self) -> ItemsView[str, Contribution]:
        """Return names and contributions."""
        return self._contributions.items()

    @contextmanager
    def replaced(self, contributions: Mapping[str, Contribution]) -> Iterator[None]:
        """Let these be the only contributions inside the block, which may add more."""
        before = self._contributions
        self._contributions = dict(contributions)
        try:
            yield
        finally:
            self._contributions = before


def discover() -> None:
    """Import every module of the package `hooks` of each installed app, in the order of INSTALLED_APPS."""
    for config in apps.get_app_configs():
        package = f"{config.name}.hooks"
        spec = find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            continue
        for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
