// title: Rejected relations
// question: Which relations were rejected, and why?
// Purpose: rejected relations, latest first, and whether this week's data would have them.
// params: limit (integer, default 20, at least 1, at most 10000)
// returns: source, target, sources, by, at, note, in_this_week
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (first:Entity)-[rejected:REJECTED]->(second:Entity)
USING INDEX rejected:REJECTED(at)
WHERE rejected.at IS NOT NULL AND none(e IN [first, second] WHERE coalesce(e.sensitive = true, false))
RETURN first.name AS source, second.name AS target,
       coalesce(rejected.sources, [s IN [rejected.source] WHERE s IS NOT NULL]) AS sources, rejected.by AS by,
       toString(rejected.at) AS at, rejected.note AS note,
       EXISTS { (first)-[:$(version.relation_type)]->(second) } AS in_this_week
ORDER BY at DESC, source, target
LIMIT $limit
