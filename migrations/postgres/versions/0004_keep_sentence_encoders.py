"""User-text spaces: the encoder that brings a sentence into one, prompts tuned in one, and the space of a release."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")


STATEMENTS = (
    # How a sentence becomes a vector of the space: by a linear map (float32, row by row) of what the text encoder `base`
    # says of it and of the vectors of the entities that it names (entity_vector_<space>). Where the encoder was trained
    # itself, it lies in the folder of that name among the runs, and stands in for `base`. `shortlist` (float32) maps
    # users to the few numbers of user_short_<space>.
    """
    CREATE TABLE sentence_encoder (
        space text COLLATE "C" PRIMARY KEY REFERENCES space (space) ON DELETE CASCADE,
        base text NOT NULL,
        width integer NOT NULL CHECK (width > 0),
        weight bytea,
        bias bytea,
        folder text,
        entity_dims integer NOT NULL DEFAULT 0,
        entity_weight double precision NOT NULL DEFAULT 0,
        horizon_days integer NOT NULL CHECK (horizon_days > 0),
        metrics jsonb NOT NULL DEFAULT '{}',
        shortlist bytea,
        CHECK ((weight IS NULL) = (bias IS NULL) AND (weight IS NOT NULL OR folder IS NOT NULL))
    )
    """,
    # A sentence tuned on seed users, used by its name: a vector of the space (float32).
    """
    CREATE TABLE prompt (
        name text COLLATE "C" PRIMARY KEY,
        space text COLLATE "C" NOT NULL REFERENCES space (space) ON DELETE CASCADE,
        sentence text NOT NULL,
        vector bytea NOT NULL,
        verdict jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE prompt_seed (
        prompt text COLLATE "C" NOT NULL REFERENCES prompt (name) ON DELETE CASCADE,
        key bigint NOT NULL REFERENCES user_key (key) ON DELETE CASCADE,
        positive boolean NOT NULL,
        PRIMARY KEY (prompt, key)
    )
    """,
    "ALTER TABLE release ADD user_text_as_of date",
)
