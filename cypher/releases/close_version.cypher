// Purpose: declare a relation version complete; from here on nothing is written to it.
// params: version (string), relations (integer), entities (integer), sources (integer), mean_in_degree (float),
//   max_in_degree (integer), metrics (JSON text), readable (map: the same figures and more, one property each)
// returns: status
MATCH (version:RelationVersion {version: $version})
SET
  version.status = 'staged',
  version.relations = $relations,
  version.entities = $entities,
  version.sources = $sources,
  version.mean_in_degree = $mean_in_degree,
  version.max_in_degree = $max_in_degree,
  version.metrics = $metrics
SET version += $readable
RETURN version.status AS status
