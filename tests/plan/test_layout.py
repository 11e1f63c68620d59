"""Counted bytes against the flatbuffers library, which writes them."""

import random

import pytest

from qspec.plan.layout import Layout
from tests.versions import FLATBUFFERS_OF_THE_SIZES

flatbuffers = pytest.importorskip("flatbuffers")


def write_table(builder, fields, offset):
    """A table of unsigned numbers that are no default, and of offsets (4 bytes, to *offset*)."""
    builder.StartObject(12)
    for position, size, is_offset in fields:
        if is_offset:
            builder.PrependUOffsetTRelativeSlot(position, offset, 0)
        else:
            prepend = {1: builder.PrependUint8Slot, 4: builder.PrependUint32Slot, 8: builder.PrependUint64Slot}[size]
            prepend(position, 7, 0)
    return builder.EndObject()


@FLATBUFFERS_OF_THE_SIZES
@pytest.mark.parametrize("seed", range(60))
def test_random_buffers(seed):
    chance = random.Random(seed)
    print(seed)
    builder, layout = flatbuffers.Builder(64), Layout()
    last = builder.CreateString("first")
    layout.string("first")
    for _ in range(chance.randint(1, 40)):
        kind = chance.choice(["string", "bytes", "longs", "table", "table"])
        if kind == "string":
            text = chance.choice(["", "a", "näme", "block_1/conv/kernel"])
            last = builder.CreateString(text)
            layout.string(text)
        elif kind == "table":
            positions = sorted(chance.sample(range(12), chance.randint(0, 5)))
            fields = [
                (position, *chance.choice([(1, False), (4, False), (8, False), (4, True)])) for position in positions
            ]
            last = write_table(builder, fields, last)
            layout.table([(position, size) for position, size, _ in fields])
        else:
            count, size, alignment = chance.randint(0, 9), *((1, 16) if kind == "bytes" else (8, 8))
            builder.StartVector(size, count, alignment)
            for _ in range(count):
                builder.PrependUint8(1) if size == 1 else builder.PrependInt64(1)
            last = builder.EndVector()
            layout.vector(count, size, alignment)
    root = write_table(builder, [(0, 4, True)], last)
    layout.table([(0, 4)])
    builder.Finish(root, file_identifier=b"TFL3")

    assert len(builder.Output()) == layout.finish()
