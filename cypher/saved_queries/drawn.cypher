// Purpose: what a picture of the graph shows: relationship types of the versions that may be read, the current one
//   first, and types of entities, the most frequent first.
// params: none
// returns: relation_types, entity_types
CALL () {
  MATCH (version:RelationVersion)
  WHERE version.version >= '' AND version.status = 'published'
  WITH version, EXISTS { (:Current)-[:IS]->(version) } AS current
  ORDER BY current DESC, version.week DESC, version.version DESC
  RETURN collect(version.relation_type) AS relation_types
}
CALL () {
  MATCH (entity:Entity)
  WHERE entity.type >= ''
  WITH entity.type AS type, count(*) AS entities
  ORDER BY entities DESC, type
  RETURN collect(type) AS entity_types
}
RETURN relation_types, entity_types
