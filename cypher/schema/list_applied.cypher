// Purpose: schema scripts that ran in this database, with the checksum of what ran.
// params: none
// returns: name, checksum, applied_at
MATCH (script:SchemaScript)
RETURN script.name AS name, script.checksum AS checksum, toString(script.applied_at) AS applied_at
ORDER BY name
