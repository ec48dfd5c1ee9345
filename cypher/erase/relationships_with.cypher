// Purpose: relationships with one of these texts in a property: a value equal to it, or text that holds it.
// params: texts (list of text)
// returns: type, property, value
MATCH ()-[r]->()
UNWIND keys(r) AS property
WITH r, property, r[property] AS value
WHERE (value IS :: STRING AND any(text IN $texts WHERE value CONTAINS text))
   OR (value IS :: LIST<STRING> AND any(part IN value WHERE any(text IN $texts WHERE part CONTAINS text)))
RETURN type(r) AS type, property, value
