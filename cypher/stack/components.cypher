// Purpose: name and version of the server's parts, to tell whether it answers and which version it is.
// params: none
// returns: name, version, edition
CALL dbms.components() YIELD name, versions, edition
RETURN name, versions[0] AS version, edition
