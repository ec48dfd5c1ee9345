// Purpose: what is known of pairs before they are decided: whether both entities are there, and the score in a version.
// params: pairs (list of [source id, target id]), relation_type (string, RelationVersion.relation_type)
// returns: source, target, source_known, target_known, score
UNWIND $pairs AS pair
OPTIONAL MATCH (u:Entity {id: pair[0]})
OPTIONAL MATCH (v:Entity {id: pair[1]})
OPTIONAL MATCH (u)-[r:$($relation_type)]->(v)
RETURN pair[0] AS source, pair[1] AS target, u IS NOT NULL AS source_known, v IS NOT NULL AS target_known,
       max(r.score) AS score
