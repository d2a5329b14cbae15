"""Plots of bars, drawn on the server."""

from amls.core.plots import draw


def test_long_labels_get_the_room_that_they_need() -> None:
    short, long = (
        draw("w", [(label, label, 1)], title="", column="", unit="", empty="") for label in ("2 Nov", "23. September")
    )
    assert short.label_width == 64
    assert long.label_width >= 8 * len("23. September")
