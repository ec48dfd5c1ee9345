// Purpose: let the mirror name a release, in one transaction.
// params: release_id (integer), version (string)
// returns: version
MATCH (version:RelationVersion {version: $version})
MERGE (current:Current {id: 'current'})
SET current.release_id = $release_id, version.status = 'published'
WITH current, version
OPTIONAL MATCH (current)-[old:IS]->(other)
WHERE other <> version
DELETE old
WITH DISTINCT current, version
MERGE (current)-[:IS]->(version)
RETURN version.version AS version
