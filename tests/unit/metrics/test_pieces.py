"""Pieces that never change, and the blocks that have them."""

from exporter.metrics.pieces import BLOCK_SLOTS, CHUNK_BYTES, Block, Piece, in_chunks


def test_a_block_has_the_lines_of_its_slots_in_their_order() -> None:
    block = Block()
    block.put(3, b"d\n")
    block.put(0, b"a\n")
    assert block.piece().data == b"a\nd\n"
    block.put(1, b"b\nbb\n")
    block.put(3, b"")
    block.put(0, b"aaa\n")
    assert block.piece().data == b"aaa\nb\nbb\n"
    block.put(3, b"x\n")
    block.put(3, b"y\n")
    assert block.piece().data == b"aaa\nb\nbb\ny\n"


def test_a_full_block_is_joined_at_once_and_can_be_changed_again() -> None:
    block = Block()
    for slot in range(BLOCK_SLOTS):
        block.put(slot, b"%d\n" % slot)
    assert not block._put
    block.put(BLOCK_SLOTS - 1, b"last\n")
    assert block.piece().data.splitlines() == [*(b"%d" % slot for slot in range(BLOCK_SLOTS - 1)), b"last"]


def test_the_piece_stays_until_a_line_is_another_and_never_changes() -> None:
    block = Block()
    block.put(0, b"a\n")
    first = block.piece()
    assert block.piece() is first
    block.put(0, b"b\n")
    block.put(0, b"a\n")
    assert block.piece() is first
    block.put(0, b"b\n")
    assert block.piece() is not first
    assert (first.data, block.piece().data) == (b"a\n", b"b\n")


def test_chunks_hold_all_pieces_and_none_is_empty() -> None:
    pieces = [Piece(b"a" * size) for size in (CHUNK_BYTES - 1, 1, 5, CHUNK_BYTES * 3, 7, 0)]
    groups = list(in_chunks(pieces))
    assert [len(group) for group in groups] == [2, 2, 2]
    assert [piece for group in groups for piece in group] == pieces
    assert list(in_chunks([Piece(b"")])) == []
    assert list(in_chunks([])) == []
