// Purpose: the procedures of this library that the server offers.
// params: none
// returns: name
SHOW PROCEDURES YIELD name WHERE name STARTS WITH 'audience.' RETURN name
