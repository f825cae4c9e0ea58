"""Which figures of a rolling table the second gate leaves out of its comparisons."""

from tests.transforms.tic import DECLARATIONS
from tests.warehouse.literal_database import JUNE, MAY
from treasury_watch.warehouse.gates.before_publication import left_behind
from treasury_watch.warehouse.tables.building import standing_figures


def test_months_and_holders_that_the_newest_table_5_no_longer_states_are_left_out(published):
    published.says(
        "slt_table5", MAY, ("japan", "2026-02", "total_position", 1100), ("japan", "2026-03", "total_position", 1190),
        ("israel", "2026-02", "total_position", 110), ("israel", "2026-03", "total_position", 111),
    )  # fmt: skip
    published.says(
        "slt_table5", JUNE, ("japan", "2026-03", "total_position", 1191), ("japan", "2026-04", "total_position", 1209),
        ("bermuda", "2026-03", "total_position", 112), ("bermuda", "2026-04", "total_position", 113),
    )  # fmt: skip
    published.says("slt_table3", JUNE, ("israel", "2026-03", "total_position", 108))
    standing = standing_figures(published.connection)
    left = standing[left_behind(published.connection, standing, DECLARATIONS)]
    assert sorted(zip(left["source"], left["holder_id"], left["month"].dt.strftime("%Y-%m"), strict=True)) == [
        ("slt_table5", "israel", "2026-02"),
        ("slt_table5", "israel", "2026-03"),
        ("slt_table5", "japan", "2026-02"),
    ]
