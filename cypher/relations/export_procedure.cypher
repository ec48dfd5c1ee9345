// Purpose: all relations of one version as packed columns in slices, through the procedure (little endian).
// params: version (string, RelationVersion.version)
// returns: ids, id_lengths, degrees, targets, scores, ranks
CALL audience.exportRelations($version) YIELD ids, id_lengths, degrees, targets, scores, ranks
RETURN ids, id_lengths, degrees, targets, scores, ranks
