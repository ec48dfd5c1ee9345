// Purpose: load a relation version into GDS's memory ahead of the first question, unless it is there.
// params: version (string, RelationVersion.version)
// returns: name, username, entities, relations
CALL audience.project($version) YIELD name, username, entities, relations RETURN name, username, entities, relations
