// Purpose: which release the mirror of the current release names.
// params: none
// returns: release_id, version
MATCH (current:Current {id: 'current'})-[:IS]->(version:RelationVersion)
RETURN current.release_id AS release_id, version.version AS version
