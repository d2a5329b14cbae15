"""Words of templates that never vary are looked up once for each language."""

import pytest
from django.template import Context, Template
from django.utils.translation import override

CASES = [
    # what a template says, in English, in German
    ('{% translate "Exams" %}', "Exams", "Prüfungen"),
    ('{% translate "Exams" as said %}<{{ said }}>', "<Exams>", "<Prüfungen>"),
    ("{% blocktranslate trimmed %} Exams {% endblocktranslate %}", "Exams", "Prüfungen"),
    ("{% blocktranslate trimmed asvar said %} Exams {% endblocktranslate %}{{ said }}", "Exams", "Prüfungen"),
    ('{% translate "Don\'t & 100 %" %}', "Don't & 100 %", "Don't & 100 %"),
    ('{% translate "Exams" noop %}', "Exams", "Exams"),
    ("{% translate name %}", "Exams", "Prüfungen"),
    ('{% translate "Exams"|lower %}', "exams", "prüfungen"),
    ("{% blocktranslate %}{{ name }} & {{ tag }}{% endblocktranslate %}", "Exams & &lt;b&gt;", "Exams & &lt;b&gt;"),
    (
        "{% blocktranslate count count=2 trimmed %}{{ count }} person waits{% plural %}{{ count }} people wait{% endblocktranslate %}",
        "2 people wait",
        "2 Personen warten",
    ),
]


@pytest.mark.parametrize(("written", "english", "german"), CASES)
def test_a_template_speaks_the_language_of_each_reader(written: str, english: str, german: str) -> None:
    page = Template("{% load i18n %}" + written)
    for _again in range(2):
        for language, said in (("en", english), ("de", german), (None, english)):
            with override(language):
                assert page.render(Context({"name": "Exams", "tag": "<b>"})) == said
