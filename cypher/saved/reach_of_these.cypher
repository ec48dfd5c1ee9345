// title: Reach of several services
// question: How many users met each of these services?
// Purpose: the given entities with how many users met them in 30 days (rounded), most met first. Give ids or exact
//   names.
// params: phrases (texts, suggest entities), limit (integer, default 200, at least 1, at most 10000)
// returns: id, name, type, reach
UNWIND $phrases AS phrase
CALL (phrase) {
  MATCH (source:Entity {id: phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: phrase}) WHERE NOT EXISTS { (:Entity {id: phrase}) } RETURN source
}
WITH DISTINCT source WHERE NOT coalesce(source.sensitive = true, false)
RETURN source.id AS id, source.name AS name, source.type AS type, source.reach AS reach
ORDER BY coalesce(source.reach, 0) DESC, id
LIMIT $limit
