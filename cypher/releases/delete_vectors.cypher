// Purpose: delete one batch of the entity vectors of a space that is being retired.
// params: space (string), size (integer)
// returns: deleted
MATCH (vector:EntityVector {space: $space})
WITH vector LIMIT $size
DETACH DELETE vector
RETURN count(*) AS deleted
