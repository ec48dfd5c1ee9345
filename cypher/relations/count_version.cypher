// Purpose: number of relations of one version, from the counts that the store keeps.
// params: relation_type (string)
// returns: relations
MATCH ()-[relation:$($relation_type)]->()
RETURN count(relation) AS relations
