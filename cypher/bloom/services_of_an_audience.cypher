// title: Services of audience $audience
// question: Which services is this audience picked by?
// Purpose: an audience and the entities that it is picked by.
// params: audience (text, suggest audiences)
// returns: path
MATCH path = (:Audience {name: $audience})-[:PICKED]->(target:Entity)
WHERE none(e IN [target] WHERE coalesce(e.sensitive = true, false))
RETURN path
