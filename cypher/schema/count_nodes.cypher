// Purpose: how many nodes the database holds, of any label; its count store knows.
// params: none
// returns: nodes
MATCH (node)
RETURN count(node) AS nodes
