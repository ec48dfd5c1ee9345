// title: Find services by words
// question: Which services have these words in their name?
// Purpose: entities whose name or aliases hold the words, best match first; every character is taken as a letter,
//   none as an operator.
// params: words (text, suggest entities), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach, match
WITH '"' + replace(replace($words, '\\', ' '), '"', ' ') + '"' AS quoted
WITH quoted WHERE trim(replace(quoted, '"', '')) <> ''
CALL db.index.fulltext.queryNodes('entity_text', quoted) YIELD node AS target, score AS match
WITH target, match WHERE NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach, match
ORDER BY match DESC, id
LIMIT $limit
