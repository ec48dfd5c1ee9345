// Purpose: entities whose name and description mean nearly the same as the phrase, best first.
// params: phrases (list of maps: position, vector = 384 floats of the text encoder), limit (rows per phrase)
// returns: position, id, name, type, score
UNWIND $phrases AS phrase
CALL (phrase) {
  CALL db.index.vector.queryNodes('entity_text_vector', $limit, phrase.vector) YIELD node, score
  MATCH (entity:Entity)-[:HAS_VECTOR]->(node)
  RETURN entity, 2 * score - 1 AS cosine
}
RETURN phrase.position AS position, entity.id AS id, entity.name AS name, entity.type AS type, cosine AS score
ORDER BY position, score DESC, id
