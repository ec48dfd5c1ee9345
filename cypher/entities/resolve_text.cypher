// Purpose: entities whose name or aliases hold words of the phrase, best first.
// params: phrases (list of maps: position, query = words for the full-text index), limit (rows per phrase),
//   types (list, empty = all; the limit counts entities of these types only)
// returns: position, id, name, type, aliases, sensitive, score
UNWIND $phrases AS phrase
CALL (phrase) {
  CALL db.index.fulltext.queryNodes('entity_text', phrase.query, CASE WHEN size($types) = 0 THEN {limit: $limit} ELSE {} END)
    YIELD node, score
  WITH node, score
  WHERE size($types) = 0 OR node.type IN $types
  RETURN node, score
  ORDER BY score DESC LIMIT $limit
}
RETURN phrase.position AS position, node.id AS id, node.name AS name, node.type AS type, node.aliases AS aliases,
       coalesce(node.sensitive = true, false) AS sensitive, score
ORDER BY position, score DESC, id
