// Purpose: begin, or go on with, the staging of a relation version; a version that is staged stays as it is.
// params: version (string), week (string), relation_type (string), content_hash (string)
// returns: status, written, vectors
MERGE (version:RelationVersion {version: $version})
  ON CREATE SET
    version.week = $week,
    version.relation_type = $relation_type,
    version.content_hash = $content_hash,
    version.created_at = datetime()
SET
  version.status = CASE coalesce(version.status, 'retired') WHEN 'retired' THEN 'staging' ELSE version.status END,
  version.written = coalesce(version.written, 0),
  version.vectors = coalesce(version.vectors, 0)
RETURN version.status AS status, version.written AS written, version.vectors AS vectors
