"""Audiences with their revisions, snapshots, exports and results; suppression, erasure, and a log that only grows."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")


STATEMENTS = (
    # The newest row of each user: what filters over columns read.
    "ALTER TABLE user_profile ADD COLUMN latest boolean NOT NULL DEFAULT false",
    """
    UPDATE user_profile p SET latest = true FROM (
        SELECT key, max(as_of) AS as_of FROM user_profile WHERE as_of <= now() GROUP BY key
    ) newest WHERE p.key = newest.key AND p.as_of = newest.as_of
    """,
    "CREATE UNIQUE INDEX user_profile_latest ON user_profile (key) WHERE latest",
    # Which users have an event for an entity.
    "CREATE INDEX user_event_entity ON user_event USING gin (entity_ids)",
    # Switches of a deployment: `approval` (true: exports need an approved revision).
    "CREATE TABLE setting (name text COLLATE \"C\" PRIMARY KEY, value jsonb NOT NULL)",
    """
    CREATE TABLE audience (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE CHECK (name <> ''),
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz
    )
    """,
    # What was asked, never changed; `definition` is read by audience/define/wire.py. Only status moves.
    """
    CREATE TABLE audience_revision (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        audience_id bigint NOT NULL REFERENCES audience (id) ON DELETE CASCADE,
        number integer NOT NULL CHECK (number > 0),
        definition jsonb NOT NULL,
        note text NOT NULL DEFAULT '',
        status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'approved')),
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        approved_by text,
        approved_at timestamptz,
        UNIQUE (audience_id, number)
    )
    """,
    # Who was in, frozen. `questions` holds each ranking that took part: picked entities with paths, query vectors,
    # space, cut; enough to explain a user later. `counts` are exact and stay inside.
    """
    CREATE TABLE audience_snapshot (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision_id bigint NOT NULL REFERENCES audience_revision (id) ON DELETE CASCADE,
        release_id bigint REFERENCES release (id),
        relation_version text,
        week text,
        model text,
        as_of date,
        size bigint NOT NULL CHECK (size >= 0),
        score_at_cut double precision,
        questions jsonb NOT NULL DEFAULT '[]',
        counts jsonb NOT NULL DEFAULT '{}',
        seconds double precision NOT NULL,
        content_hash text NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # `place` counts from 1, best first; `score` is that of the ranking `question` (an index of the snapshot's
    # `questions`), both NULL where nothing ranks the user. No foreign key on users: who is erased stays as a number
    # that names nobody.
    """
    CREATE TABLE audience_member (
        snapshot_id bigint NOT NULL REFERENCES audience_snapshot (id) ON DELETE CASCADE,
        key bigint NOT NULL,
        place integer NOT NULL,
        score double precision,
        question smallint,
        PRIMARY KEY (snapshot_id, key)
    )
    """,
    # How users are split over arms: by the hash of salt and user id, so a user keeps an arm wherever it is computed.
    # `arms`: [[name, share], ...] in order, shares adding up to 1; the arm named 'holdout' is never sent.
    """
    CREATE TABLE holdout (
        audience_id bigint PRIMARY KEY REFERENCES audience (id) ON DELETE CASCADE,
        salt text NOT NULL,
        arms jsonb NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # One sending of a snapshot. `counts`: exact numbers in, suppressed, without consent, held out, sent. 'started' can be
    # resumed; 'failed' was given up. `destination` is the name under which appends and deltas are counted.
    """
    CREATE TABLE export (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        snapshot_id bigint NOT NULL REFERENCES audience_snapshot (id) ON DELETE CASCADE,
        purpose text NOT NULL,
        destination text NOT NULL,
        format text NOT NULL,
        mode text NOT NULL CHECK (mode IN ('replace', 'append', 'delta')),
        options jsonb NOT NULL DEFAULT '{}',
        salt text,
        arms jsonb,
        status text NOT NULL DEFAULT 'started' CHECK (status IN ('started', 'done', 'failed')),
        counts jsonb NOT NULL DEFAULT '{}',
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    )
    """,
    # Everybody who passed suppression and consent at that moment: with an arm, and sent or held out; in an append or a
    # delta those alone who are new there. `sent`: left, or may have left where an answer got lost. `position` counts
    # the rows that leave from 1, best first, and never moves: chunks are ranges of it; NULL where held out. `change` is
    # 'added' or 'removed' in a delta; who is removed has no arm and was not sent. Who was withdrawn before their row
    # left has no row.
    """
    CREATE TABLE export_member (
        export_id bigint NOT NULL REFERENCES export (id) ON DELETE CASCADE,
        key bigint NOT NULL,
        arm text,
        sent boolean NOT NULL,
        change text CHECK (change IN ('added', 'removed')),
        position integer CHECK (position > 0),
        PRIMARY KEY (export_id, key)
    )
    """,
    "CREATE UNIQUE INDEX export_member_position ON export_member (export_id, position) WHERE position IS NOT NULL",
    # Chunks of a webhook: what was answered, so that a stopped export goes on where it was.
    """
    CREATE TABLE export_chunk (
        export_id bigint NOT NULL REFERENCES export (id) ON DELETE CASCADE,
        number integer NOT NULL,
        idempotency_key text NOT NULL UNIQUE,
        rows integer NOT NULL,
        content_hash text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent')),
        sent_at timestamptz,
        PRIMARY KEY (export_id, number)
    )
    """,
    # What came back of an export: per user, or per arm where users are not told. `last_at` is the
    # last time that the file tells.
    """
    CREATE TABLE result_user (
        export_id bigint NOT NULL REFERENCES export (id) ON DELETE CASCADE,
        key bigint NOT NULL,
        exposures integer NOT NULL CHECK (exposures >= 0),
        clicks integer NOT NULL CHECK (clicks >= 0),
        conversions integer NOT NULL CHECK (conversions >= 0),
        last_at timestamptz,
        loaded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (export_id, key)
    )
    """,
    """
    CREATE TABLE result_arm (
        export_id bigint NOT NULL REFERENCES export (id) ON DELETE CASCADE,
        arm text NOT NULL,
        users bigint NOT NULL CHECK (users >= 0),
        exposures bigint NOT NULL CHECK (exposures >= 0),
        clicks bigint NOT NULL CHECK (clicks >= 0),
        conversions bigint NOT NULL CHECK (conversions >= 0),
        last_at timestamptz,
        loaded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (export_id, arm)
    )
    """,
    # Users who are never sent, whatever the audience.
    """
    CREATE TABLE suppression (
        key bigint PRIMARY KEY REFERENCES user_key (key) ON DELETE CASCADE,
        reason text NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # Keyed hashes of erased ids: a file that names one again does not bring the user back. `done_at` is when the last
    # trace was gone; NULL: the erasure was stopped on the way, or found something that a person has to remove.
    """
    CREATE TABLE erasure (
        id_hash bytea PRIMARY KEY,
        key_print text NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz
    )
    """,
    # Sets whose size was shown; see audience/safety/disclosure.py.
    """
    CREATE TABLE disclosed (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        size bigint NOT NULL,
        shown bigint,
        members bytea NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX disclosed_size ON disclosed (size)",
    """
    CREATE TABLE audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        who text NOT NULL,
        action text NOT NULL,
        object text NOT NULL,
        what jsonb NOT NULL DEFAULT '{}',
        release_id bigint
    )
    """,
    """
    CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND current_setting('audience_graph.redaction', true) = 'on' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the audit log only grows';
    END $$
    """,
    """
    CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_only_grows()
    """,
    """
    CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows()
    """,
)
