// Purpose: the entities that an audience's newest snapshot was picked by, and no others; in one transaction.
// params: audience (integer, its number in Postgres), name (string), by (string), at (datetime),
//   picked (list of {id, hop, relevance})
// returns: written
MERGE (audience:Audience {id: $audience})
SET audience.name = $name
WITH audience
CALL (audience) {
  MATCH (audience)-[old:PICKED]->(entity:Entity)
  WHERE NOT entity.id IN [p IN $picked | p.id]
  DELETE old
}
UNWIND $picked AS one
MATCH (entity:Entity {id: one.id})
MERGE (audience)-[picked:PICKED]->(entity)
SET picked = {hop: one.hop, relevance: one.relevance, by: $by, at: $at}
RETURN count(*) AS written
