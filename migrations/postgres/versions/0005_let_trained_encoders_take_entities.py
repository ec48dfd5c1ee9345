"""A trained encoder may read the words alone, and leave it to a linear map to take the entities beside them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")


STATEMENTS = (
    "ALTER TABLE sentence_encoder DROP CONSTRAINT sentence_encoder_check",
    # A map, a folder, or both: then the folder's encoder stands in for `base`.
    """
    ALTER TABLE sentence_encoder ADD CONSTRAINT sentence_encoder_says_how
        CHECK ((weight IS NULL) = (bias IS NULL) AND (weight IS NOT NULL OR folder IS NOT NULL))
    """,
)
