"""Weights of the graph where graph and sentence are fused, fitted for each user-text space."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # `weight` is NULL where too few sentences could be judged; `version` is that of the relations it was fitted with.
    op.execute(
        """
        CREATE TABLE graph_weight (
            space text COLLATE "C" PRIMARY KEY REFERENCES space (space) ON DELETE CASCADE,
            version text COLLATE "C" NOT NULL,
            weight double precision CHECK (weight BETWEEN 0 AND 1),
            sentences integer NOT NULL CHECK (sentences >= 0),
            windows integer NOT NULL CHECK (windows >= 0),
            measured jsonb NOT NULL DEFAULT '{}',
            fitted_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")
