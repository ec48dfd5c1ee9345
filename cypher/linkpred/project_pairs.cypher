// Purpose: load undirected pairs of numbers into GDS's memory under a name; nothing is written to the store.
// params: name (string, new in the catalog), source (list of integers), target (list of integers, as long)
// returns: nodes, relations
UNWIND range(0, size($source) - 1) AS i
WITH gds.graph.project($name, $source[i], $target[i], {}, {undirectedRelationshipTypes: ['*']}) AS projected
RETURN projected.nodeCount AS nodes, projected.relationshipCount AS relations
