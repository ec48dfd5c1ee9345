// Purpose: the state of one relation version as Neo4j knows it.
// params: version (string)
// returns: status, relations, written, vectors
MATCH (version:RelationVersion {version: $version})
RETURN
  version.status AS status, version.relations AS relations, version.written AS written, version.vectors AS vectors
