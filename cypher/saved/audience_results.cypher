// title: How the services of an audience did
// question: Which services of this audience brought conversions?
// Purpose: the picked entities of an audience by the lift of their users over all who were sent, with the 95 %
//   interval; counts are rounded to 10.
// params: audience (text, suggest audiences), limit (integer, default 200, at least 1, at most 10000)
// returns: id, name, type, exposures, conversions, lift, lift_low, lift_high, as_of
MATCH (:Audience {name: $audience})-[performed:PERFORMED]->(target:Entity)
WHERE NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, performed.exposures AS exposures, performed.conversions AS conversions, performed.lift AS lift,
       performed.lift_low AS lift_low, performed.lift_high AS lift_high, toString(performed.as_of) AS as_of
ORDER BY lift DESC, id
LIMIT $limit
