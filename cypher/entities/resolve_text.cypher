// Purpose: entities whose name or aliases hold words of the phrase, best first.
// params: phrases (list of maps: position, query = words for the full-text index), limit (rows per phrase)
// returns: position, id, name, type, aliases, score
UNWIND $phrases AS phrase
CALL (phrase) {
  CALL db.index.fulltext.queryNodes('entity_text', phrase.query, {limit: $limit}) YIELD node, score
  RETURN node, score
}
RETURN phrase.position AS position, node.id AS id, node.name AS name, node.type AS type, node.aliases AS aliases, score
ORDER BY position, score DESC, id
