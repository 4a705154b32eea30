"""Small pictures for people: a frame in the report, or a stack."""

import io

import numpy as np

from sidera.loading import loading
from sidera.model.picture import Picture
from sidera.stretch.auto import picture
from sidera.types import F32


def thumbnail(plane: F32, bottom_up: bool) -> bytes:
    """A small linear plane, stretched, as a JPEG: a few kilobytes, of which a long night holds thousands."""
    return jpeg(picture(plane, bottom_up=bottom_up))


def jpeg(shown: Picture) -> bytes:
    """A picture as the bytes of a JPEG."""
    pixels = np.round(np.clip(shown.image, 0, 1) * 255).astype(np.uint8)
    channels_last = pixels if pixels.ndim == 2 else np.moveaxis(pixels, 0, -1)
    buffer = io.BytesIO()
    with loading:
        from PIL import Image  # a run need not wait for it before it begins

    Image.fromarray(np.ascontiguousarray(channels_last)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
