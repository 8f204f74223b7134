import pydantic
import pytest

from impasto.tasks import MaskChoice, RegionChoice, StyleChoice, StylizeTask


@pytest.mark.parametrize(
    ("text", "style", "strength", "content_weight"),
    [
        ("sky.png=great-wave", "great-wave", None, None),
        ("sky.png=great-wave:0.8", "great-wave", 0.8, None),
        ("sky.png=great-wave:0.8:2", "great-wave", 0.8, 2.0),
        ("a=b.png=C:/art/klimt.jpg:0.8", "C:/art/klimt.jpg", 0.8, None),
        ("not:sky.png=0.5", "0.5", None, None),
    ],
)
def test_a_region_may_be_written_in_a_line(
    text: str, style: str, strength: float | None, content_weight: float | None
) -> None:
    region = RegionChoice.model_validate(text)
    assert (region.style, region.strength, region.content_weight) == (style, strength, content_weight)
    assert RegionChoice.model_validate(region.model_dump(mode="json")) == region


@pytest.mark.parametrize("text", ["sky.png", "=great-wave", "sky.png=", "sky.png=great-wave:2", "=:1"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        RegionChoice.model_validate(text)


def test_a_task_names_all_its_inputs_and_moves_them_together() -> None:
    task = StylizeTask.model_validate(
        {
            "photo": "p.jpg",
            "styles": ["a.jpg:0.5", "scream"],
            "regions": ["m.png=b.jpg:0.7"],
            "protect": ["not:k.png"],
        }
    )
    assert task.sources == ("a.jpg", "scream", "b.jpg")
    assert [str(mask.path) for mask in task.masks] == ["m.png", "k.png"]
    moved = task.moved(lambda name: name if name == "scream" else f"new/{name}")
    assert str(moved.photo) == "new/p.jpg"
    assert moved.styles == (StyleChoice(source="new/a.jpg", weight=0.5), StyleChoice(source="scream"))
    assert moved.regions == (RegionChoice.model_validate("new/m.png=new/b.jpg:0.7"),)
    assert moved.protect == (MaskChoice.model_validate("not:new/k.png"),)
    assert StylizeTask.model_validate(task.model_dump(mode="json")) == task
