// Purpose: memory in bytes that loading a relation version takes.
// params: version (string, RelationVersion.version)
// returns: bytes, entities, relations
CALL audience.projectEstimate($version) YIELD bytes, entities, relations RETURN bytes, entities, relations
