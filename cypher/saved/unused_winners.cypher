// title: Winners that other audiences miss
// question: Which services did well, and are missing in this audience?
// Purpose: entities whose users surely converted more often in another audience, and that this one is not picked by.
// params: audience (text, suggest audiences), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, in_audience, lift, lift_low
MATCH (mine:Audience {name: $audience})
MATCH (other:Audience)-[performed:PERFORMED]->(target)
USING INDEX other:Audience(name)
WHERE other.name >= '' AND other <> mine AND performed.lift_low > 1 AND NOT (mine)-[:PICKED]->(target) AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, other.name AS in_audience, performed.lift AS lift, performed.lift_low AS lift_low
ORDER BY lift_low DESC, id, in_audience
LIMIT $limit
