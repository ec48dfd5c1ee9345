// title: Audiences that use a service
// question: Which audiences use this service, and how did it do there?
// Purpose: audiences that were picked by an entity, with its results there.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: audience, hop, relevance, by, lift, lift_low, lift_high
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
MATCH (audience:Audience)-[picked:PICKED]->(source)
WHERE NOT coalesce(source.sensitive = true, false)
OPTIONAL MATCH (audience)-[performed:PERFORMED]->(source)
RETURN audience.name AS audience, picked.hop AS hop, picked.relevance AS relevance, picked.by AS by,
       performed.lift AS lift, performed.lift_low AS lift_low, performed.lift_high AS lift_high
ORDER BY relevance DESC, audience
LIMIT $limit
