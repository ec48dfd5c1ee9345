// Purpose: note that a schema script ran; noting it again changes nothing.
// params: name (string), checksum (string)
// returns: name
MERGE (script:SchemaScript {name: $name})
  ON CREATE SET script.checksum = $checksum, script.applied_at = datetime()
RETURN script.name AS name
