"""The session against a model: any order of changes, with the file closed and opened in between."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidera.model.header import Kind
from sidera.pipeline.recipe import Recipe
from sidera.session import create, open_project, work
from smallnight import frame

FRAMES = 4
chosen = st.lists(st.integers(0, FRAMES - 1), min_size=1, max_size=FRAMES, unique=True)


class Session(RuleBasedStateMachine):
    """A list of verdicts, a recipe, a view, and the set of frames taken out: that is all there is to it."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sidera-session-"))
        self.verdicts, self.recipe, self.view, self.removed = [], Recipe(), None, set()

    @initialize()
    def make(self):
        for number in range(FRAMES):
            image = np.full((4, 5), 100 + number, np.uint16)
            frame(self.folder / "lights" / f"{number}.fits", image, IMAGETYP="Light Frame")
        self.project = create(self.folder / "project")
        work.add(self.project, [self.folder / "lights"])

    def path(self, number):
        return str(self.folder / "lights" / f"{number}.fits")

    @rule(
        numbers=chosen,
        verdict=st.sampled_from(["approved", "rejected", "undecided"]),
        reason=st.text(max_size=9),
    )
    def judge(self, numbers, verdict, reason):
        there = [number for number in numbers if number not in self.removed]
        self.project.judge([self.path(number) for number in there], verdict, reason)
        if there:
            self.verdicts.append((there, (verdict, reason)))

    @rule()
    def undo(self):
        assert self.project.undo() == bool(self.verdicts)
        self.verdicts = self.verdicts[:-1]

    @rule(kappa=st.integers(20, 90))
    def keep_recipe(self, kappa):
        self.recipe = Recipe().with_settings([f"integration.kappa_high={kappa / 10}"])
        self.project.keep_recipe(self.recipe)

    @rule(view=st.none() | st.dictionaries(st.text(max_size=5), st.integers(-9, 9), max_size=3))
    def keep_view(self, view):
        self.view = view
        self.project.keep_view(view)

    @rule(number=st.integers(0, FRAMES - 1))
    def remove(self, number):
        if number not in self.removed:
            self.project.remove([self.path(number)])
            self.removed.add(number)

    @rule()
    def add_again(self):
        work.add(self.project, [self.folder / "lights"])
        self.removed = set()

    @rule()
    def look_again(self):
        work.refresh(self.project)

    @rule()
    def open_again(self):
        self.project.close()
        self.project = open_project(self.folder / "project")

    @invariant()
    def agrees(self):
        if not hasattr(self, "project"):
            return
        expected = {
            self.path(number): ("undecided", "") for number in range(FRAMES) if number not in self.removed
        }
        for numbers, verdict in self.verdicts:
            expected |= {self.path(number): verdict for number in numbers if number not in self.removed}
        assert {one.id.path: (one.verdict, one.reason) for one in self.project.frames()} == expected
        assert (self.project.recipe, self.project.view()) == (self.recipe, self.view)
        state = self.project.state()
        assert state.counts.get(Kind.LIGHT, 0) == len(expected)
        assert state.rejected == sum(verdict == "rejected" for verdict, _ in expected.values())
        assert state.can_undo == bool(self.verdicts)

    def teardown(self):
        if hasattr(self, "project"):
            self.project.close()
        shutil.rmtree(self.folder, ignore_errors=True)


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
