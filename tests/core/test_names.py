"""People stand in the order of their family names, by the letters of German and English."""

import pytest

from amls.courses.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Anna Maria Meier", "meier"),
        ("Meier, Anna Maria", "meier"),
        ("Anna Müller-Lüdenscheidt", "muller-ludenscheidt"),
        ("Anna von der Heide", "heide"),
        ("von der Heide, Anna", "heide"),
        ("Heide, Anna von der", "heide"),
        ("Ludwig van Beethoven", "beethoven"),
        ("Jean le Rond d'Alembert", "alembert"),
        ("d’Alembert, Jean", "alembert"),
        ("Omar al-Rahman", "rahman"),
        ("Robert De Niro", "de niro"),
        ("Ursula Von der Leyen", "von der leyen"),
        ("Van Morrison", "morrison"),
        ("Gabriel García Márquez", "marquez"),
        ("García Márquez, Gabriel", "garcia marquez"),
        ("Martin Luther King Jr.", "king"),
        ("King, Martin, Jr.", "king"),
        ("John Smith III", "smith"),
        ("Anna Meier, M.Sc.", "meier"),
        ("Wei Ma", "ma"),
        ("Li Wei (Austausch)", "wei"),
        ("Sean O’Neill", "o'neill"),
        ("Suharto", "suharto"),
        ("山田太郎", "山田太郎"),
        ("山田 太郎", "山田"),
        ("anna meier", "meier"),
        ("", "nobody@example.org"),
        (",", ","),
        ("(x)", ""),
        ("Łukasz Żółć", "zolc"),
    ],
)
def test_the_family_name_is_what_its_writing_says(name: str, family: str) -> None:
    user = User.objects.create_user("nobody@example.org", display_name=name)
    assert user.sort_name.split("\t")[0] == family


def test_letters_with_marks_stand_where_readers_look_for_them() -> None:
    wanted = [
        "Zoë Abel", "Änne", "Anna Anton", "Özlem Demir", "Hans Li", "Li Wei, Anna", "Anna Łoś", "Bob Luxemburg",
        "Eva Mueller", "Eva Muller", "Eva Müller", "Fritz Müller", "Bo Øre", "Ali Şahin", "Dieter Straß",
        "Anna Strasse", "Zoë", "Иван Андреев", "山田太郎",
    ]  # fmt: skip
    User.objects.bulk_create(
        User(email=f"{number}@example.org", display_name=name) for number, name in enumerate(reversed(wanted))
    )
    assert list(User.objects.order_by("sort_name").values_list("display_name", flat=True)) == wanted


def test_a_changed_name_changes_its_place_whoever_writes_it() -> None:
    user = User.objects.create_user("a@example.org", display_name="Zoë Zander")
    User.objects.filter(pk=user.pk).update(display_name="Zoë Abel")
    user.refresh_from_db()
    assert user.sort_name == "abel\tzoe\tZoë Abel"
