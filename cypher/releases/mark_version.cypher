// Purpose: note that a version is being retired, or that it is gone.
// params: version (string), status (string)
// returns: status
MATCH (version:RelationVersion {version: $version})
SET version.status = $status
SET version += CASE $status WHEN 'retired' THEN {written: 0, vectors: 0} ELSE {} END
RETURN version.status AS status
