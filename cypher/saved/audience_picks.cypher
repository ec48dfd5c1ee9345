// title: What an audience is picked by
// question: Which services is this audience picked by?
// Purpose: the entities of an audience's newest snapshot, seeds first, then by relevance.
// params: audience (text, suggest audiences), limit (integer, default 200, at least 1, at most 10000)
// returns: id, name, type, hop, relevance, reach, by
MATCH (:Audience {name: $audience})-[picked:PICKED]->(target:Entity)
WHERE NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, picked.hop AS hop, picked.relevance AS relevance, target.reach AS reach, picked.by AS by
ORDER BY hop, relevance DESC, id
LIMIT $limit
