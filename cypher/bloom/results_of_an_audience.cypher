// title: Results of audience $audience
// question: How did the services of this audience do?
// Purpose: an audience and how its entities did.
// params: audience (text, suggest audiences)
// returns: path
MATCH path = (:Audience {name: $audience})-[:PERFORMED]->(target:Entity)
WHERE none(e IN [target] WHERE coalesce(e.sensitive = true, false))
RETURN path
