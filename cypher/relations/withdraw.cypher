// Purpose: forget what was decided about pairs, whoever decided it, in one transaction.
// params: pairs (list of [source id, target id])
// returns: source, target
UNWIND $pairs AS pair
MATCH (u:Entity {id: pair[0]})-[r:CONFIRMED|REJECTED]->(v:Entity {id: pair[1]})
WITH r, u.id AS source, v.id AS target
DELETE r
RETURN source, target
