// title: Find services by words
// question: Which services have these words in their name?
// Purpose: entities whose name or aliases hold all of the words, in any order, best match first; every character is
//   taken as a letter, none as an operator. The first 32 words count.
// params: words (text, suggest names), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach, match
WITH reduce(text = $words, sign IN ['\\', '"', '\t', '\n', '\r', '\u00a0', '\u3000'] | replace(text, sign, ' ')) AS text
WITH [word IN split(text, ' ') WHERE word <> ''][..32] AS typed
WHERE size(typed) > 0
WITH reduce(query = '', word IN typed | query + '+"' + word + '" ') AS query
CALL db.index.fulltext.queryNodes('entity_text', query) YIELD node AS target, score AS match
WITH target, match WHERE NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach, match
ORDER BY match DESC, id
LIMIT $limit
