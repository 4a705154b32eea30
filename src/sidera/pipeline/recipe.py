"""The Recipe: every setting of every stage, one frozen value that a run is replayed from."""

import tomllib
from collections.abc import Iterable
from typing import Any

import msgspec
import tomli_w

from sidera.errors import RecipeError
from sidera.model.finishing import (
    CropSettings,
    DenoiseSettings,
    ExportSettings,
    GradientSettings,
    NeutraliseSettings,
    ScnrSettings,
    StarColourSettings,
    StretchSettings,
    WhiteBalanceSettings,
)
from sidera.model.settings import (
    CalibrationSettings,
    DemosaicSettings,
    DetectionSettings,
    IntegrationSettings,
    RegistrationSettings,
)


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to the frames. Command line, Python, TOML file and report all speak of this one value."""

    calibration: CalibrationSettings = CalibrationSettings()
    demosaic: DemosaicSettings = DemosaicSettings()
    detection: DetectionSettings = DetectionSettings()
    registration: RegistrationSettings = RegistrationSettings()
    integration: IntegrationSettings = IntegrationSettings()
    crop: CropSettings = CropSettings()
    gradient: GradientSettings = GradientSettings()
    neutralise: NeutraliseSettings = NeutraliseSettings()
    whitebalance: WhiteBalanceSettings = WhiteBalanceSettings()
    starcolour: StarColourSettings = StarColourSettings()
    scnr: ScnrSettings = ScnrSettings()
    denoise: DenoiseSettings = DenoiseSettings()
    stretch: StretchSettings = StretchSettings()
    export: ExportSettings = ExportSettings()

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries, for JSON and TOML."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def to_toml(self) -> str:
        """The document a user saves; `recipe_from_toml` reads it back."""
        return tomli_w.dumps(self.as_dict())

    def with_settings(self, assignments: Iterable[str]) -> "Recipe":
        """A recipe with some settings changed, each given as ``stage.setting=value``.

        Raises
        ------
        RecipeError
            For an unknown stage or setting, or a value out of range; names what there is.
        """
        tree = self.as_dict()
        for assignment in assignments:
            _assign(tree, assignment)
        return recipe_from_dict(tree)


def recipe_from_dict(tree: dict[str, Any]) -> Recipe:
    """Validate plain dictionaries.

    Raises
    ------
    RecipeError
        With the path of the offending setting.
    """
    try:
        return msgspec.convert(tree, Recipe, strict=False)
    except msgspec.ValidationError as error:
        raise RecipeError(*_explained(tree, str(error))) from error


def _explained(tree: dict[str, Any], message: str) -> tuple[str, str]:
    """The library's message as a person would say it: which setting, what it is, what it may be."""
    what, _, place = message.partition(" - at `$")
    stage, _, setting = place.rstrip("`").lstrip(".").partition(".")
    meanings = {name: meaning for name, _, meaning in describe()}
    name = f"{stage}.{setting}"
    if name not in meanings:
        return f"recipe: {message}", "`sidera recipe` lists every setting with its range"
    given = tree[stage][setting]
    why = (
        "is none of its choices"
        if what.startswith("Invalid enum")
        else f"is wrong: {what[0].lower()}{what[1:]}"
    )
    return (
        f"{name} = {given!r} {why.replace('`', '')}",
        f"{meanings[name]} `sidera recipe` lists every setting",
    )


def recipe_from_toml(text: str) -> Recipe:
    """Read a saved recipe; settings that are not named keep their defaults.

    Raises
    ------
    RecipeError
        When it is not TOML, or a setting is unknown or out of range.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            f"the recipe is not valid TOML: {error}", "compare it with `sidera recipe`"
        ) from error
    return recipe_from_dict(tree)


def describe() -> list[tuple[str, str, str]]:
    """Every setting as (name, default, meaning), for help and docs."""
    schema = msgspec.json.schema(Recipe)["$defs"]
    defaults = Recipe().as_dict()
    rows = []
    for stage in msgspec.structs.fields(Recipe):
        properties = schema[stage.type.__name__]["properties"]
        for name, default in defaults[stage.name].items():
            rows.append((f"{stage.name}.{name}", _shown(default), _meaning(properties[name])))
    return rows


def _meaning(entry: dict[str, Any]) -> str:
    choices = entry.get("enum")
    text: str = entry.get("description", "")
    return f"{text} [{', '.join(map(str, choices))}]" if choices else text


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _assign(tree: dict[str, Any], assignment: str) -> None:
    name, equals, value = assignment.partition("=")
    stage, dot, setting = name.strip().partition(".")
    if not equals or not dot:
        raise RecipeError(
            f"setting {assignment!r} is not of the form stage.setting=value",
            "for example integration.rejection=winsorized",
        )
    if stage not in tree:
        raise RecipeError(f"no stage {stage!r}", f"there are: {', '.join(tree)}")
    if setting not in tree[stage]:
        raise RecipeError(f"no setting {setting!r} in {stage}", f"there are: {', '.join(tree[stage])}")
    tree[stage][setting] = value.strip()
