// Purpose: free the memory of a relation version, whoever projected it.
// params: version (string, version or relationship type)
// returns: dropped
CALL audience.dropProjection($version) YIELD dropped RETURN dropped
