// Purpose: how the picked entities of an audience did in its newest results, rounded, and no others; in one transaction.
// params: audience (integer, its number in Postgres), name (string), as_of (datetime of the newest result),
//   performed (list of {id, exposures, conversions, lift, lift_low, lift_high})
// returns: written
MERGE (audience:Audience {id: $audience})
SET audience.name = $name
WITH audience
CALL (audience) {
  MATCH (audience)-[old:PERFORMED]->(entity:Entity)
  WHERE NOT entity.id IN [p IN $performed | p.id]
  DELETE old
}
UNWIND $performed AS one
MATCH (entity:Entity {id: one.id})
MERGE (audience)-[performed:PERFORMED]->(entity)
SET performed = {exposures: one.exposures, conversions: one.conversions, lift: one.lift, lift_low: one.lift_low,
                 lift_high: one.lift_high, as_of: $as_of}
RETURN count(*) AS written
