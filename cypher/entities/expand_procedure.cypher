// Purpose: entities within a few hops of the seeds, through the procedure over GDS's in-memory graph, in one row of
//   packed columns (little endian; texts in UTF-8 with their lengths in code points).
// params: seeds (list of entity ids), options (map, see `SHOW PROCEDURES YIELD name, argumentDescription`)
// returns: count, ids, id_lengths, names, name_lengths, types, type_lengths, hops, relevances, paths, missing, refused
CALL audience.expandPacked($seeds, $options)
YIELD count, ids, id_lengths, names, name_lengths, types, type_lengths, hops, relevances, paths, missing, refused
RETURN count, ids, id_lengths, names, name_lengths, types, type_lengths, hops, relevances, paths, missing, refused
