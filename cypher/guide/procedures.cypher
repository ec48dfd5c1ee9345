// title: Procedures
// question: What can be called?
// Purpose: the procedures of audience-graph, described.
// params: none
// returns: name, description, signature
SHOW PROCEDURES YIELD name, description, signature
WHERE name STARTS WITH 'audience.'
RETURN name, description, signature
ORDER BY name
