// Purpose: names of all procedures of the server, to tell whether GDS and ours are loaded.
// params: none
// returns: name
SHOW PROCEDURES YIELD name
RETURN name ORDER BY name
