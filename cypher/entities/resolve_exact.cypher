// Purpose: entities whose id, name or an alias is the phrase, and the release that the mirror shows.
// params: phrases (list of maps: position, id = the phrase as typed, names = spellings to look up in the name
//   index, lower = NFKC lower-case form, query = the phrase as a quoted full-text query), types (list, empty = all)
// returns: position, id, name, type, aliases, sensitive, mirror
OPTIONAL MATCH (current:Current {id: 'current'})
WITH current.release_id AS mirror
UNWIND $phrases AS phrase
OPTIONAL CALL (phrase) {
  MATCH (entity:Entity {id: phrase.id})
  WHERE size($types) = 0 OR entity.type IN $types
  RETURN entity
  UNION
  MATCH (entity:Entity)
  WHERE entity.name IN phrase.names AND (size($types) = 0 OR entity.type IN $types)
  RETURN entity
  UNION
  CALL db.index.fulltext.queryNodes('entity_text', phrase.query) YIELD node AS entity
  WITH entity, phrase
  WHERE (size($types) = 0 OR entity.type IN $types)
    AND any(name IN [entity.name] + coalesce(entity.aliases, []) WHERE toLower(normalize(name, NFKC)) = phrase.lower)
  RETURN entity
  LIMIT 100
}
RETURN phrase.position AS position, entity.id AS id, entity.name AS name, entity.type AS type,
       entity.aliases AS aliases, coalesce(entity.sensitive = true, false) AS sensitive, mirror
