// title: A service at a glance
// question: What do we know of this service?
// Purpose: one entity: its type, aliases, description, how many users met it in 30 days (rounded), and how many
//   relations it has, without rejected ones, and how many were decided.
// params: phrase (entity)
// returns: id, name, type, aliases, description, reach, leads_to, led_from, confirmed, rejected
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
WITH version, source WHERE NOT coalesce(source.sensitive = true, false)
RETURN source.id AS id, source.name AS name, source.type AS type, source.aliases AS aliases,
       source.description AS description, source.reach AS reach,
       COUNT { (source)-[:$(version.relation_type)]->() }
       - COUNT { (source)-[:REJECTED]->(other) WHERE EXISTS { (source)-[:$(version.relation_type)]->(other) } } AS leads_to,
       COUNT { (source)<-[:$(version.relation_type)]-() }
       - COUNT { (source)<-[:REJECTED]-(other) WHERE EXISTS { (source)<-[:$(version.relation_type)]-(other) } } AS led_from,
       COUNT { (source)-[:CONFIRMED]->() } AS confirmed, COUNT { (source)-[:REJECTED]->() } AS rejected
