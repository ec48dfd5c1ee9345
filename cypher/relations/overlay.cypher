// Purpose: what is laid over a version at every read: confirmed relations, rejected pairs, sensitive entities; with the
//   number of the version's relations, which tells a client whether its copy is still whole, and which seeds exist.
// params: relation_type (string, RelationVersion.relation_type), seeds (list of entity ids)
// returns: confirmed, rejected, sensitive, relations, mean_in_degree, known
CALL () { MATCH (u:Entity)-[c:CONFIRMED]->(v:Entity) RETURN collect([u.id, v.id, toFloat(c.score)]) AS confirmed }
CALL () { MATCH (u:Entity)-[:REJECTED]->(v:Entity) RETURN collect([u.id, v.id]) AS rejected }
CALL () { MATCH (s:Entity {sensitive: true}) RETURN collect(s.id) AS sensitive }
CALL () { MATCH ()-[r:$($relation_type)]->() RETURN count(r) AS relations }
CALL () { MATCH (s:Entity) WHERE s.id IN $seeds RETURN collect(s.id) AS known }
OPTIONAL MATCH (version:RelationVersion {relation_type: $relation_type})
RETURN confirmed, rejected, sensitive, relations, version.mean_in_degree AS mean_in_degree, known LIMIT 1
