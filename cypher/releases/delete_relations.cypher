// Purpose: delete one batch of the relations of a version that is being retired.
// params: size (integer), relation_type (string)
// returns: deleted
MATCH ()-[relation:$($relation_type)]->()
WITH relation LIMIT $size
DELETE relation
RETURN count(*) AS deleted
