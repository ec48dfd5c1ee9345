// title: Confirmed relations
// question: Which relations did people or results confirm?
// Purpose: confirmed relations, latest first: by whom, from which source, and whether this week's data say so too.
// params: limit (integer, default 20, at least 1, at most 10000)
// returns: source, target, score, sources, by, at, note, in_this_week
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (first:Entity)-[confirmed:CONFIRMED]->(second:Entity)
USING INDEX confirmed:CONFIRMED(at)
WHERE confirmed.at IS NOT NULL AND none(e IN [first, second] WHERE coalesce(e.sensitive = true, false))
RETURN first.name AS source, second.name AS target, confirmed.score AS score,
       coalesce(confirmed.sources, [s IN [confirmed.source] WHERE s IS NOT NULL]) AS sources, confirmed.by AS by,
       toString(confirmed.at) AS at, confirmed.note AS note,
       EXISTS { (first)-[:$(version.relation_type)]->(second) } AS in_this_week
ORDER BY at DESC, source, target
LIMIT $limit
