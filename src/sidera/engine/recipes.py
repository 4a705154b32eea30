"""The command about recipes: checked, changed, spelt out in every form."""

from typing import Any

import msgspec

from sidera.engine.failures import RequestError
from sidera.engine.protocol import GetRecipe
from sidera.engine.values import RecipeText, Setting
from sidera.pipeline.recipe import Recipe, describe, recipe_from_dict, recipe_from_toml


def recipe(request: GetRecipe) -> RecipeText:
    """The recipe that a request stands for.

    Raises
    ------
    RecipeError
        For what is no setting, or out of its range.
    """
    if request.toml is not None and request.recipe is not None:
        raise RequestError("usage", "two recipes are given", "give toml or recipe", "$.toml")
    given = recipe_from_dict(request.recipe or {}) if request.toml is None else recipe_from_toml(request.toml)
    chosen = given.with_settings(request.changes)
    return RecipeText(
        recipe=chosen,
        toml=chosen.to_toml(),
        settings=tuple(
            Setting(name=name, default=default, meaning=text) for name, default, text in describe()
        ),
        schema=recipe_schema(),
        changed=changes(chosen),
    )


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of a recipe."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Recipe)))
    return plain


def changes(chosen: Recipe) -> tuple[str, ...]:
    """``stage.setting=value`` of everything that is not the default; `Recipe.with_settings` takes them."""
    usual = Recipe().as_dict()
    return tuple(
        f"{stage}.{setting}={_spelt(value)}"
        for stage, settings in chosen.as_dict().items()
        for setting, value in settings.items()
        if value != usual[stage][setting]
    )


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
