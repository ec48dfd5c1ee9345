// Purpose: relation versions in GDS's memory, whoever projected them.
// params: none
// returns: name, username, entities, relations
CALL audience.projections() YIELD name, username, entities, relations RETURN name, username, entities, relations
