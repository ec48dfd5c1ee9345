// title: Services that did best
// question: Which services did best in all campaigns?
// Purpose: entities with results, by the lower end of the lift's interval, the surest first; an entity of several
//   audiences has a row for each.
// params: limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, audience, exposures, conversions, lift, lift_low, lift_high
MATCH (audience:Audience)-[performed:PERFORMED]->(target)
USING INDEX audience:Audience(name)
WHERE audience.name >= '' AND performed.lift IS NOT NULL AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, audience.name AS audience, performed.exposures AS exposures, performed.conversions AS conversions,
       performed.lift AS lift, performed.lift_low AS lift_low, performed.lift_high AS lift_high
ORDER BY lift_low DESC, id, audience
LIMIT $limit
