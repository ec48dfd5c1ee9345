// Purpose: what people decided about pairs of entities, in every week: confirmed relations and rejected pairs.
// params: none
// returns: confirmed, rejected
CALL () { MATCH (u:Entity)-[:CONFIRMED]->(v:Entity) RETURN collect([u.id, v.id]) AS confirmed }
CALL () { MATCH (u:Entity)-[:REJECTED]->(v:Entity) RETURN collect([u.id, v.id]) AS rejected }
RETURN confirmed, rejected
