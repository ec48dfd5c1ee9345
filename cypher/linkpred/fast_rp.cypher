// Purpose: FastRP vectors of a projected graph, by the numbers that its pairs named.
// params: name (string), dims (integer), weights (list of floats, one per hop from 0), normalization (float),
//   seed (integer)
// returns: node, vector
CALL gds.fastRP.stream($name, {
  embeddingDimension: $dims, iterationWeights: $weights[1..], nodeSelfInfluence: $weights[0],
  normalizationStrength: $normalization, randomSeed: $seed
}) YIELD nodeId, embedding
RETURN nodeId AS node, embedding AS vector ORDER BY node
