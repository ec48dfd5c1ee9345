// Purpose: give saved queries that people keep other names, where the package has theirs.
// params: names (list of {from, to})
// returns: renamed
UNWIND $names AS one
MATCH (query:SavedQuery {name: one.from})
WHERE coalesce(query.own <> false, false)
SET query.name = one.to
RETURN count(query) AS renamed
