"""Search compares letters in one way: in Python, in the database, and in the door's script."""

import json
import subprocess

import pytest
from django.conf import settings
from django.db import connection

from amls.core.folding import LETTERS, fold, fold_sql, is_found, searchable, shorten, shorten_sql

# What is typed, what is stored, and whether it is found.
CASES = [
    ("groß", "Gross", True), ("gross", "Groß", True), ("GROSS", "groß", True), ("größe", "Groesse", True),
    ("ozlem", "Özlem Şahin", True), ("sahin", "Özlem Şahin", True), ("oezlem", "Özlem Şahin", True),
    ("kruger", "Anna Krüger", True), ("krueger", "Anna Krüger", True), ("krüger", "Anna Krueger", True),
    ("kruger", "Anna Krueger", True), ("krug", "Krügel", True), ("anna krüger", "Krüger, Anna", True),
    ("lukasz zolc", "Łukasz Żółć", True), ("soren", "Søren", True), ("soeren", "Søren", True), ("senol", "Şenol", True),
    ("stefan", "Ștefan", True), ("Ştefan", "Ștefan", True), ("ismail", "İsmail", True), ("isik", "Işık", True),
    ("pruef", "Prüfung", True), ("uebung", "Übung", True), ("Ubung", "Uebung", True), ("strasse", "STRAẞE", True),
    ("el", "Michael", True), ("michael", "Michael", True), ("manuel", "Manuel", True), ("samuel", "Samül", True),
    ("oneil", "O’Neil", False), ("o'neil", "O’Neil", True), ("o‘neil", "O'Neil", True), ("meier-muller", "Meier–Müller", True),
    ("e\u0301mile", "Émile", True), ("thor", "Þór", True), ("aeroskobing", "Ærøskøbing", True), ("aliyev", "Əliyev", False),
    ("eliyev", "Əliyev", True), ("ａｎｎａ", "Anna", True), ("ﬁnn", "Finn", True), ("山田", "山田太郎", True), ("太", "山田", False),
    ("σοφος", "Σοφός", True), ("андрей", "АНДРЕЙ", True), ("김", "김민수", True), ("محمد", "محمد علي", True),
    ("4711", "004711", True), ("anna bernd", "Anna", False), ("%", "Anna", False), ("_", "Anna", False), ("", "Anna", True),
]  # fmt: skip
_NODE = """
const { readFileSync } = require("node:fs");
globalThis.window = globalThis;
eval(readFileSync(process.argv[1], "utf8"));
const { letters, cases } = JSON.parse(readFileSync(0, "utf8"));
const { fold, finder, searchable } = amlsFolding(letters);
console.log(JSON.stringify(cases.map(([typed, stored]) => [
  fold(typed), searchable(stored), finder(typed)(searchable(stored)),
])));
"""


@pytest.mark.parametrize(("typed", "stored", "is_there"), CASES)
def test_both_sides_fold_alike(typed: str, stored: str, is_there: bool) -> None:
    assert is_found(typed, searchable(stored)) == is_there


def test_the_doors_script_agrees_with_the_server_on_every_case() -> None:
    done = subprocess.run(
        ["node", "-e", _NODE, str(settings.BASE_DIR / "static/js/folding.js")],
        input=json.dumps({"letters": LETTERS, "cases": CASES}), capture_output=True, check=True, text=True,
    )  # fmt: skip
    expected = [[fold(typed), searchable(stored), is_there] for typed, stored, is_there in CASES]
    assert json.loads(done.stdout) == expected


@pytest.mark.django_db
def test_the_database_agrees_with_the_server_on_every_case() -> None:
    texts = [text for typed, stored, _found in CASES for text in (typed, stored)]
    texts += ["".join(map(chr, range(start, start + 128))) for start in range(0xA0, 0x600, 128)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {fold_sql('one')}, {shorten_sql(fold_sql('one'))} FROM unnest(%s::text[]) WITH ORDINALITY AS t (one, at) ORDER BY at",
            [texts],
        )
        rows = cursor.fetchall()
    assert rows == [(fold(text), shorten(fold(text))) for text in texts]
