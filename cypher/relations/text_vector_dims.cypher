// Purpose: the length that the index on text vectors was made for.
// params: none
// returns: dims
SHOW INDEXES YIELD name, options
WHERE name = 'entity_text_vector'
RETURN options.indexConfig['vector.dimensions'] AS dims
