// Purpose: one entity that has a relation of a version.
// params: relation_type (string)
// returns: id
MATCH (source:Entity)-[:$($relation_type)]->()
RETURN source.id AS id
LIMIT 1
