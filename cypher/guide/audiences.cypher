// title: Audiences
// question: Which audiences are there?
// Purpose: audiences by name, with how many entities each was picked by.
// params: none
// returns: audience, picked
MATCH (audience:Audience)
WHERE audience.name >= ''
RETURN audience.name AS audience, COUNT { (audience)-[:PICKED]->() } AS picked
ORDER BY audience
