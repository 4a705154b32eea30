"""One stack of a run: who goes into it, where it is made, and what it says of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidera.io.fits_canvas import blank
from sidera.io.write import format_of
from sidera.model.header import Kind
from sidera.model.stack import Stack
from sidera.pipeline.canvas import Canvas, FileCanvas, MemoryCanvas
from sidera.pipeline.cards import result_cards, result_history, result_table
from sidera.pipeline.colours import star_colours
from sidera.pipeline.combine import integrate
from sidera.pipeline.decide import Measured, Placed, Registered, place, star_gains
from sidera.pipeline.framing import output_grid
from sidera.pipeline.groups import StackGroup, file_of
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.plan import Plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.samples import LostFrameError, Sampler
from sidera.pipeline.scan import Refused, refusal
from sidera.pipeline.store import stack_key
from sidera.pipeline.workers import load_ahead
from sidera.types import F64


@dataclass(frozen=True)
class Stacker:
    """Makes the stacks of a run, one after the other."""

    plan: Plan
    output: Path | None
    alone: bool
    """Whether there is one stack only, which then has the output's name as it is."""
    measured: Sequence[Measured]
    registered: Registered
    readers: Readers
    progress: Progress

    def stack(self, group: StackGroup) -> tuple[Outcome | None, list[Refused]]:
        """One stack, and the frames refused on the way; None when none of its lights could be registered.

        A frame that can no longer be read is left out, and the stack begun anew.
        """
        names = {frame.id for frame in group.lights}
        everyone = self._everyone()
        members = [one for one in everyone if one.light.id in names]
        grid = output_grid(self.registered.reference, everyone, self.plan.recipe.registration.framing)
        lost: list[Refused] = []
        while members:
            placed, poor = place(members, self.registered.reference, self.plan.recipe)
            sampler = Sampler(
                tuple(placed), grid, self.plan.recipe, self.readers, star_gains(placed), self.progress.check
            )
            try:
                return self._made(group, sampler), poor + lost
            except LostFrameError as error:
                lost.append(refusal(error.frame, error, Kind.LIGHT))
                members = [one for one in members if one.light.id != error.frame]
        return None, lost

    def _everyone(self) -> list[Placed]:
        solutions = self.registered.solutions
        return [
            Placed(one.light, one.found, solutions[index])
            for index, one in enumerate(self.measured)
            if index in solutions
        ]

    def _made(self, group: StackGroup, sampler: Sampler) -> Outcome:
        canvas = self._canvas(group, sampler)
        # For the report's picture: nobody waits for it while pixels are combined.
        load_ahead("sidera.pipeline.finish")
        try:
            made = integrate(sampler, canvas, self.plan.threads, self.progress, group.name)
            stack = canvas.finish(self._told(group, sampler, made.rejected))
        except BaseException:
            canvas.discard()  # a run that is killed leaves it behind, and goes on there
            raise
        return Outcome(group, stack, sampler.frames, sampler.grid, made, canvas.path)

    def _canvas(self, group: StackGroup, sampler: Sampler) -> Canvas:
        """The result's own file where it is to be FITS; else memory."""
        halves, frames = self.plan.recipe.integration.halves, len(sampler.frames)
        shape = (sampler.channels, sampler.grid.rows, sampler.grid.columns)
        if self.output is None or format_of(self.output) != "fits":
            return MemoryCanvas(shape, frames, halves)
        target = file_of(self.output, group.name, alone=self.alone)
        return FileCanvas(
            target, stack_key(sampler), self._told(group, sampler, np.zeros(frames)), shape, halves
        )

    def _told(self, group: StackGroup, sampler: Sampler, rejected: F64) -> Stack:
        """What the stack says of itself, header, history and table; its pixels are still to come."""
        placed, grid = sampler.frames, sampler.grid
        reference = self.registered.reference.light
        floats, counts = blank((1, 1), np.float32), blank((1, 1), np.uint8)
        return Stack(
            *(floats, floats, floats, counts, counts, counts, None),
            result_cards(group, placed, reference, grid),
            result_history(sampler.recipe, placed),
            reference.header.bottom_up,
            result_table(placed, rejected),
            star_colours(placed, self.registered.reference, grid),
        )
