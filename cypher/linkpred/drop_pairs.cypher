// Purpose: free the memory of projected pairs, if they are there.
// params: name (string)
// returns: dropped
CALL gds.graph.drop($name, false) YIELD graphName
RETURN graphName AS dropped
