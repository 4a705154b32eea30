"""The protocol, and what is made of it for the page."""

import json
from pathlib import Path

from msgspec.structs import fields

from sidera.engine.protocol import OLD, REPLIES
from sidera.engine.requests import COMMANDS
from sidera.engine.typescript import schema, typescript

ROOT = Path(__file__).parents[2]
ANEW = "run: python -m sidera.engine.typescript"


def test_the_committed_schema_is_that_of_the_structs():
    committed = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
    assert committed == schema(), ANEW


def test_the_committed_typescript_is_that_of_the_structs():
    committed = (ROOT / "web" / "src" / "engine" / "protocol.ts").read_text(encoding="utf-8")
    assert committed == typescript(), ANEW


def test_the_ten_old_commands_keep_their_names_and_fields():
    told = {kind.__struct_config__.tag: [field.encode_name for field in fields(kind)] for kind in OLD}
    assert {name: sorted(set(names) - {"id"}) for name, names in told.items()} == {
        "info": ["path"],
        "load": ["path"],
        "release": ["imageId"],
        "releaseAll": [],
        "imageInfo": ["imageId"],
        "preview": ["imageId", "outputPath", "stretch"],
        "histogram": ["bins", "channel", "imageId"],
        "autoStretch": ["imageId"],
        "pipeline": sorted(
            [
                "lightPaths",
                "darkPaths",
                "flatPaths",
                "biasPaths",
                "bayerPattern",
                "stackMethod",
                "kappa",
                "iterations",
            ]
        ),
        "save": ["format", "imageId", "outputPath", "stretch"],
    }


def test_every_command_is_answered_by_a_reply_of_its_own_kind():
    page = typescript()
    for name, kind in COMMANDS.items():
        assert f'"{name}": {kind.__name__};' in page
        assert f'"{name}": {REPLIES[kind].__name__};' in page


def test_what_may_be_left_out_of_a_request_is_there_in_every_reply():
    page = typescript()
    preview = page.split("export interface Preview {")[1].split("}")[0]
    assert "stretch?: Given<OldStretch> | null;" in preview
    stretch = page.split("export interface OldStretch {")[1].split("}")[0]
    assert "midtones: number;" in stretch
