// Purpose: nodes with one of these texts in a property: a value equal to it, or text that holds it.
// params: texts (list of text)
// returns: labels, property, value, shown
MATCH (n)
UNWIND keys(n) AS property
WITH n, property, n[property] AS value
WHERE (value IS :: STRING AND any(text IN $texts WHERE value CONTAINS text))
   OR (value IS :: LIST<STRING> AND any(part IN value WHERE any(text IN $texts WHERE part CONTAINS text)))
RETURN labels(n) AS labels, property, value, coalesce(n.name, n.id, n.version, '') AS shown
