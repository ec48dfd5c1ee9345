// Purpose: note that versions were published once, so that their weeks may be read; one that is being retired stays so.
// params: versions (list of versions)
// returns: marked
MATCH (version:RelationVersion)
WHERE version.version IN $versions AND version.status = 'staged'
SET version.status = 'published'
RETURN count(version) AS marked
