// title: Confirmed relations
// question: Which relations did people or results confirm?
// Purpose: confirmed relations, the latest 100.
// params: none
// returns: path
MATCH path = (source:Entity)-[confirmed:CONFIRMED]->(target:Entity)
WHERE none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
RETURN path
ORDER BY confirmed.at DESC, source.id, target.id
LIMIT 100
