// Purpose: one entity that has a relation of a version and is not sensitive.
// params: relation_type (string)
// returns: id
MATCH (source:Entity)-[:$($relation_type)]->()
WHERE NOT coalesce(source.sensitive = true, false)
RETURN source.id AS id
LIMIT 1
