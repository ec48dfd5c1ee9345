// title: The most met service
// question: Which service has something to show?
// Purpose: the name of the entity that leads to others this week and that most users meet; no sensitive one.
// params: none
// returns: name
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (entity:Entity)-[relation:$(version.relation_type)]->(other:Entity)
WHERE NOT coalesce(entity.sensitive, false) AND NOT coalesce(other.sensitive, false)
WITH entity, count(*) AS relations
ORDER BY coalesce(entity.reach, 0) DESC, relations DESC, entity.id
LIMIT 1
RETURN entity.name AS name
