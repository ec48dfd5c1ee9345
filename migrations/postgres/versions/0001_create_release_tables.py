"""Keys, consent and events per user; spaces, relation versions, releases and the current one."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")


STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    # The only table with user ids; every other one holds `key`.
    """
    CREATE TABLE user_key (
        user_id text COLLATE "C" PRIMARY KEY,
        key bigint GENERATED ALWAYS AS IDENTITY UNIQUE
    )
    """,
    # What was known of a user, and since when.
    """
    CREATE TABLE user_profile (
        key bigint NOT NULL REFERENCES user_key (key) ON DELETE CASCADE,
        as_of timestamptz NOT NULL,
        columns jsonb NOT NULL,
        PRIMARY KEY (key, as_of)
    )
    """,
    """
    CREATE TABLE consent (
        key bigint NOT NULL REFERENCES user_key (key) ON DELETE CASCADE,
        purpose text COLLATE "C" NOT NULL,
        granted boolean NOT NULL,
        as_of timestamptz NOT NULL,
        PRIMARY KEY (key, purpose, as_of)
    )
    """,
    # Events of the kept spaces' windows that carry entities: what explains a preference. No foreign key: COPY of
    # millions of rows would check each of them, and rows are only written for keys taken from user_key.
    """
    CREATE TABLE user_event (
        key bigint NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        time timestamptz NOT NULL,
        channel text NOT NULL,
        text text,
        entity_ids text[] NOT NULL,
        PRIMARY KEY (key, event_id)
    )
    """,
    # One set of vectors that may be compared; its tables are user_vector_<space> and entity_vector_<space>. A user's
    # vector is made of the events of the `days` days that end with `as_of`.
    """
    CREATE TABLE space (
        space text COLLATE "C" PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('preference', 'user_text')),
        dims integer NOT NULL CHECK (dims > 0),
        model text NOT NULL,
        week text NOT NULL,
        as_of date,
        days integer NOT NULL DEFAULT 30 CHECK (days > 0),
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE relation_version (
        version text COLLATE "C" PRIMARY KEY,
        week text COLLATE "C" NOT NULL CHECK (week ~ '^[0-9]{4}-W[0-9]{2}$'),
        relation_type text COLLATE "C" NOT NULL UNIQUE,
        content_hash text NOT NULL,
        status text NOT NULL CHECK (status IN ('staging', 'staged', 'retiring', 'retired')),
        counts jsonb NOT NULL DEFAULT '{}',
        metrics jsonb NOT NULL DEFAULT '{}',
        run_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        retired_at timestamptz
    )
    """,
    # One consistent (relation version, preference space, user-text space). Rows are never changed but for
    # status and published_at.
    """
    CREATE TABLE release (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        relation_version text COLLATE "C" NOT NULL REFERENCES relation_version (version),
        preference_space text COLLATE "C" NOT NULL REFERENCES space (space),
        preference_as_of date NOT NULL,
        user_text_space text COLLATE "C" REFERENCES space (space),
        status text NOT NULL DEFAULT 'staged' CHECK (status IN ('staged', 'published', 'retired')),
        content_key text COLLATE "C" NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz
    )
    """,
    # Changing this one row is publishing.
    """
    CREATE TABLE current_release (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        release_id bigint NOT NULL REFERENCES release (id),
        at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # What was current when: publish, rollback and refresh, in order.
    """
    CREATE TABLE publication (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        release_id bigint NOT NULL REFERENCES release (id),
        action text NOT NULL CHECK (action IN ('publish', 'rollback', 'refresh')),
        at timestamptz NOT NULL DEFAULT now()
    )
    """,
)
