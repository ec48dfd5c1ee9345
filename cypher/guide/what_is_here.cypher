// title: What is in the graph
// question: How much of everything is there?
// Purpose: entities by type, versions that may be read, decisions, audiences and saved queries, counted.
// params: none
// returns: what, kind, how_many
MATCH (entity:Entity)
WHERE entity.type >= ''
RETURN 'entities' AS what, entity.type AS kind, count(*) AS how_many
UNION ALL
MATCH (version:RelationVersion)
WHERE version.version >= ''
RETURN 'relations of a week' AS what, version.week + ' ' + version.status AS kind, version.relations AS how_many
UNION ALL
MATCH ()-[decision:CONFIRMED|REJECTED]->()
RETURN 'decisions' AS what, type(decision) AS kind, count(*) AS how_many
UNION ALL
MATCH (:Audience)-[use:PICKED|PERFORMED]->()
RETURN 'audiences' AS what, type(use) AS kind, count(*) AS how_many
UNION ALL
MATCH (query:SavedQuery)
RETURN 'saved queries' AS what, CASE WHEN coalesce(query.own <> false, false) THEN 'of people' ELSE 'of the package' END AS kind, count(*) AS how_many
