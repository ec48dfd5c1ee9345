// title: Weeks that can be asked about
// question: Which weeks are kept, and how large are they?
// Purpose: relation versions that were published, newest first.
// params: none
// returns: week, version, relations, entities, current, created_at
MATCH (version:RelationVersion)
WHERE version.version >= '' AND version.status = 'published'
RETURN version.week AS week, version.version AS version, version.relations AS relations, version.entities AS entities,
       EXISTS { (:Current)-[:IS]->(version) } AS current, toString(version.created_at) AS created_at
ORDER BY week DESC, created_at DESC, version
