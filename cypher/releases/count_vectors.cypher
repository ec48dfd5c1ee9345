// Purpose: number of entity vectors of a space.
// params: space (string)
// returns: vectors
MATCH (vector:EntityVector {space: $space})
RETURN count(vector) AS vectors
