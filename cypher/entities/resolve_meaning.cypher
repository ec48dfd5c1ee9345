// Purpose: entities whose name and description mean nearly the same as the phrase, best first. The vector index knows
//   no types: it gives the `nearest` vectors of all types, and an entity of `types` that is not among them is not found.
// params: phrases (list of maps: position, vector = 384 floats of the text encoder), limit (rows per phrase),
//   types (list, empty = all), nearest (vectors to read from the index per phrase, at least limit)
// returns: position, id, name, type, sensitive, score
UNWIND $phrases AS phrase
CALL (phrase) {
  CALL db.index.vector.queryNodes('entity_text_vector', $nearest, phrase.vector) YIELD node, score
  MATCH (entity:Entity)-[:HAS_VECTOR]->(node)
  WHERE size($types) = 0 OR entity.type IN $types
  RETURN entity, 2 * score - 1 AS cosine
  ORDER BY cosine DESC LIMIT $limit
}
RETURN phrase.position AS position, entity.id AS id, entity.name AS name, entity.type AS type,
       coalesce(entity.sensitive = true, false) AS sensitive, cosine AS score
ORDER BY position, score DESC, id
