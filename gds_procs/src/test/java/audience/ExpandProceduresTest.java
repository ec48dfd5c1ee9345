package audience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.neo4j.graphdb.QueryExecutionException;
import org.neo4j.graphdb.Transaction;

/** The procedures in a real Neo4j with GDS: what is asked by people, and what changes between two calls. */
class ExpandProceduresTest {
    private static final String TYPE = "RELATES_2026_W30_00000001";
    private static Server server;

    @BeforeAll
    static void start() throws Exception {
        server = new Server();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** spa -> sauna -> towel is better than spa -> towel; spa -> bath and spa -> gym tie. */
    @BeforeEach
    void world() {
        server.clear();
        server.run("UNWIND ['spa', 'sauna', 'towel', 'bath', 'gym', 'late'] AS id "
                + "CREATE (:Entity {id: id, name: 'The ' + id, type: 'topic', aliases: [id + ' alias', 'shared']})");
        relate("spa", "sauna", 0.9, 1);
        relate("spa", "bath", 0.5, 2);
        relate("spa", "gym", 0.5, 3);
        relate("spa", "towel", 0.2, 4);
        relate("sauna", "towel", 0.8, 1);
        server.run("CREATE (:Current {id: 'current'})-[:IS]->(:RelationVersion {version: '2026-W30-00000001', "
                + "week: '2026-W30', relation_type: $type, status: 'published', mean_in_degree: 1.25})", Map.of("type", TYPE));
    }

    private static void relate(String from, String to, double score, long rank) {
        server.run("MATCH (u:Entity {id: $from}), (v:Entity {id: $to}) CREATE (u)-[:" + TYPE
                + " {score: $score, rank: $rank}]->(v)", Map.of("from", from, "to", to, "score", score, "rank", rank));
    }

    private static List<Map<String, Object>> expand(String seed, String options) {
        return server.run("CALL audience.expand([$seed], " + options + ")", Map.of("seed", seed));
    }

    private static List<Object> entities(String seed, String options) {
        return expand(seed, options).stream().map(row -> row.get("entity")).toList();
    }

    private static String failure(String seed, String options) {
        Throwable error = assertThrows(QueryExecutionException.class, () -> expand(seed, options));
        return error.getMessage();
    }

    @Test
    void theBestOfAllPathsWinsNotTheShortest() {
        assertEquals(List.of("sauna", "towel", "bath", "gym"), entities("spa", "{}"));
        Map<String, Object> towel = expand("spa", "{}").get(1);
        assertEquals(0.9 * 0.8, towel.get("relevance"));
        assertEquals(2L, towel.get("hop"));
        assertEquals(List.of("spa", "sauna", "towel"), towel.get("path"));
        assertEquals("The towel", towel.get("name"));
        assertEquals("2026-W30-00000001", towel.get("version"));
        assertEquals(1L, expand("spa", "{hops: 1}").get(3).get("hop"));
    }

    @Test
    void optionsCut() {
        assertEquals(List.of("sauna", "towel"), entities("spa", "{limit: 2}"));
        assertEquals(List.of("sauna", "towel", "bath"), entities("spa", "{fan_out: 2}"));
        assertEquals(List.of("sauna", "towel"), entities("spa", "{min_relevance: 0.6}"));
        assertEquals(List.of("sauna", "spa"), entities("towel", "{reverse: true}"));
        assertEquals(List.of(), entities("spa", "{types: ['brand']}"));
        assertEquals(List.of("sauna", "towel", "bath", "gym"), entities("spa", "{week: '2026-W30'}"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{hops: 5}|options.hops must be a whole number from 1 to 4, not 5",
        "{hops: 2.0}|options.hops",
        "{min_relevance: 2}|options.min_relevance must be a number from 0 to 1, not 2",
        "{damping: 'a'}|options.damping",
        "{fan_out: 0}|options.fan_out",
        "{limit: -1}|options.limit",
        "{types: 'topic'}|options.types must be a list",
        "{reverse: 1}|options.reverse",
        "{sensitive: 1}|options.sensitive must be true or false",
        "{sensitive: true}|options.sensitive and options.because go together",
        "{sensitive: true, because: '  '}|options.sensitive and options.because go together",
        "{because: 'why'}|options.sensitive and options.because go together",
        "{week: 'last'}|options.week must be an ISO week",
        "{week: '2020-W01'}|no relation version of 2020-W01 is kept",
        "{version: 'x'}|options.version: there is no relation version x",
        "{fanout: 3}|options.fanout is not an option; there are because, damping, fan_out",
    })
    void aWrongOptionIsNamed(String options, String message) {
        assertTrue(failure("spa", options).contains(message), failure("spa", options));
    }

    @Test
    void seedsAreIdsNamesOrAliases() {
        assertEquals(entities("spa", "{}"), entities("the SPA", "{}"));
        assertEquals(entities("spa", "{}"), entities("Spa Alias ", "{}"));
        assertTrue(failure("shared", "{}").contains("'shared' means 6 entities: bath, gym, late, sauna, spa, ..."));
        assertTrue(failure("nowhere", "{}").contains("seeds: no entity has the id, name or alias 'nowhere'"));
        Throwable error = assertThrows(
                QueryExecutionException.class, () -> server.run("CALL audience.expand([], {})"));
        assertTrue(error.getMessage().contains("seeds must hold at least one"));
        server.run("CREATE FULLTEXT INDEX entity_text IF NOT EXISTS FOR (e:Entity) ON EACH [e.name, e.aliases]");
        server.run("CALL db.awaitIndexes(60)");
        assertEquals(entities("spa", "{}"), entities("the spa", "{}"));
        assertTrue(failure("women's (football", "{}").contains("women's (football"));
        server.run("DROP INDEX entity_text");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Stra\u00dfe|STRASSE", "strasse|Stra\u1e9ee", "The spa|\uff34\uff48\uff45 \uff33\uff30\uff21",
        "\uff53\uff50\uff41|SPA", "skin  care|Skin\u00a0\t Care", "\ufb01tness|FITNESS",
        "\u039f\u0394\u039f\u03a3|\u03bf\u03b4\u03bf\u03c2", "\u0130zmir|i\u0307zmir",
    })
    void namesOfOneNormalFormAreOneName(String name, String typed) {
        server.run("MATCH (e:Entity {id: 'spa'}) SET e.name = $name", Map.of("name", name));
        assertEquals(entities("spa", "{}"), entities(typed, "{}"));
        server.run("CREATE FULLTEXT INDEX entity_text IF NOT EXISTS FOR (e:Entity) ON EACH [e.name, e.aliases] "
                + "OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-no-stop-words'}}");
        try {
            server.run("CALL db.awaitIndexes(60)");
            assertEquals(entities("spa", "{}"), entities(typed, "{}"));
        } finally {
            server.run("DROP INDEX entity_text");
        }
        assertTrue(failure("\u0131zm\u0131r", "{}").contains("no entity has"));
    }

    @Test
    void confirmedAndRejectedAreLiveAlsoInTheirOwnTransaction() {
        assertEquals(4, entities("spa", "{}").size());
        server.run("MATCH (u {id: 'gym'}), (v {id: 'late'}) CREATE (u)-[:CONFIRMED {score: 1.0}]->(v)");
        assertEquals(List.of("sauna", "towel", "bath", "gym", "late"), entities("spa", "{}"));
        server.run("MATCH (u {id: 'spa'}), (v {id: 'sauna'}) CREATE (u)-[:REJECTED]->(v)");
        assertEquals(List.of("bath", "gym", "late", "towel"), entities("spa", "{}"));
        try (Transaction tx = server.database.beginTx()) {
            tx.execute("MATCH ()-[r:REJECTED]->() DELETE r").close();
            assertEquals(5, tx.execute("CALL audience.expand(['spa'], {})").stream().count());
        }
        assertEquals(4, entities("spa", "{}").size());
    }

    @Test
    void anEntityMadeAfterTheProjectionIsReachedByConfirmation() {
        assertEquals(4, entities("spa", "{}").size());
        server.run("MATCH (u {id: 'spa'}) CREATE (u)-[:CONFIRMED {score: 0.95}]->"
                + "(:Entity {id: 'new', name: 'New', type: 'topic'})");
        assertEquals("new", entities("spa", "{}").get(0));
        assertEquals(List.of("spa"), entities("new", "{reverse: true}"));
    }

    @Test
    void aNewNameIsShownAtOnce() {
        assertEquals("The sauna", expand("spa", "{}").get(0).get("name"));
        server.run("MATCH (e {id: 'sauna'}) SET e.name = 'Banya', e.type = 'brand'");
        assertEquals("Banya", expand("spa", "{}").get(0).get("name"));
        assertEquals(List.of("sauna"), entities("spa", "{types: ['brand']}"));
    }

    @Test
    void sensitiveEntitiesAreNeitherReachedNorWalkedThrough() {
        assertEquals(List.of("sauna", "towel", "bath", "gym"), entities("spa", "{}"));
        server.run("MATCH (e {id: 'sauna'}) SET e.sensitive = true");
        assertEquals(List.of("bath", "gym", "towel"), entities("spa", "{}"));
        assertEquals(0.2, expand("spa", "{}").get(2).get("relevance"));
        assertEquals(List.of("spa"), entities("towel", "{reverse: true}"));
        assertEquals(List.of("sauna", "towel", "bath", "gym"), entities("spa", "{sensitive: true, because: 'a test'}"));
        server.run("MATCH (u {id: 'spa'}), (v {id: 'late'}) CREATE (u)-[:CONFIRMED {score: 1.0}]->(v) "
                + "SET v.sensitive = true");
        assertEquals(List.of("bath", "gym", "towel"), entities("spa", "{}"));
        try (Transaction tx = server.database.beginTx()) {
            tx.execute("MATCH (e) REMOVE e.sensitive").close();
            assertEquals(5, tx.execute("CALL audience.expand(['spa'], {})").stream().count());
        }
        assertEquals(3, entities("spa", "{}").size());
        server.run("MATCH (e) SET e.sensitive = 'yes'"); // only true is true, at every door
        assertEquals(5, entities("spa", "{}").size());
    }

    @Test
    void aSensitiveSeedIsRefusedWithoutAReason() {
        server.run("MATCH (e {id: 'spa'}) SET e.sensitive = true");
        assertTrue(failure("The spa", "{}").contains("seeds: 'The spa' is sensitive; ask with a reason"));
        assertEquals(4, entities("the spa", "{sensitive: true, because: 'a test'}").size());
        Map<String, Object> packed = server.run("CALL audience.expandPacked(['spa', 'nowhere'], {})").get(0);
        assertEquals(List.of("spa"), packed.get("refused"));
        assertEquals(List.of("nowhere"), packed.get("missing"));
        assertEquals(0L, packed.get("count"));
    }

    @Test
    void aDroppedProjectionIsMadeAgainAndAStaleOneReplaced() {
        assertEquals(4, entities("spa", "{}").size());
        server.run("CALL audience.dropProjection('2026-W30-00000001')");
        assertEquals(0, server.run("CALL audience.projections()").size());
        assertEquals(4, entities("spa", "{}").size());
        server.run("MATCH (e {id: 'sauna'}) DETACH DELETE e");
        assertEquals(List.of("bath", "gym", "towel"), entities("spa", "{}"));
        assertEquals(List.of("bath", "gym"), entities("spa", "{fan_out: 3}"));
        assertEquals(1, server.run("CALL audience.projections()").size());
    }

    @Test
    void aVersionMadeAnewUnderTheSameNameIsReadAnew() {
        assertEquals(4, entities("spa", "{}").size());
        server.run("MATCH (n) DETACH DELETE n");
        server.run("UNWIND range(1, 50) AS i CREATE (:Filler)");
        String projected = "CALL audience.projections()";
        assertEquals(1, server.run(projected).size());
        server.run("UNWIND range(1, 6) AS i CREATE (:Entity {id: 'n' + i, name: 'N' + i, type: 'topic'})");
        for (long i = 1; i < 6; i++) {
            relate("n" + i, "n" + (i + 1), 0.9, 1);
        }
        server.run("CREATE (:Current {id: 'current'})-[:IS]->(:RelationVersion {version: '2026-W30-00000001', "
                + "week: '2026-W30', relation_type: $type, status: 'published'})", Map.of("type", TYPE));
        assertEquals(List.of("n2", "n3"), entities("n1", "{}"));
        assertEquals(1, server.run(projected).size());
    }

    @Test
    void manyAtOnceProjectOnce() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Callable<List<Object>>> calls = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            calls.add(() -> entities("spa", "{}"));
        }
        for (Future<List<Object>> answer : pool.invokeAll(calls)) {
            assertEquals(List.of("sauna", "towel", "bath", "gym"), answer.get());
        }
        pool.shutdown();
        assertEquals(1, server.run("CALL gds.graph.list() YIELD graphName").size());
    }

    @Test
    void aVersionWithoutRelationsHasOnlyWhatIsConfirmed() {
        server.run("CREATE (:RelationVersion {version: '2026-W29-00000002', week: '2026-W29', "
                + "relation_type: 'RELATES_2026_W29_00000002', status: 'published'})");
        assertEquals(List.of(), entities("spa", "{week: '2026-W29'}"));
        server.run("MATCH (u {id: 'spa'}), (v {id: 'late'}) CREATE (u)-[:CONFIRMED {score: 1.0}]->(v)");
        assertEquals(List.of("late"), entities("spa", "{week: '2026-W29', damping: 1.0}"));
    }

    @Test
    void nothingPublishedSaysSo() {
        server.run("MATCH (c:Current) DETACH DELETE c");
        assertTrue(failure("spa", "{}").contains("nothing is published yet"));
    }

    @Test
    void liveSignaturesAreTheCommittedOnes() throws Exception {
        StringBuilder live = new StringBuilder();
        server.run("SHOW PROCEDURES YIELD name, signature, description, argumentDescription "
                        + "WHERE name STARTS WITH 'audience.' RETURN * ORDER BY name")
                .forEach(row -> {
                    live.append(row.get("signature")).append('\n').append("  ").append(row.get("description")).append('\n');
                    ((List<?>) row.get("argumentDescription")).forEach(argument -> live.append("  ")
                            .append(((Map<?, ?>) argument).get("name")).append(": ")
                            .append(((Map<?, ?>) argument).get("description")).append('\n'));
                });
        String committed = new String(
                getClass().getResourceAsStream("/signatures.txt").readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(committed, live.toString());
    }

    @Test
    void codePointOrderIsNotThatOfUtf16() {
        assertTrue("\uFF5E".compareTo("\uD83D\uDE00") > 0);
        assertTrue(CodePoints.compare("\uFF5E", "\uD83D\uDE00") < 0);
        assertTrue(CodePoints.compare("a", "ab") < 0);
        assertTrue(CodePoints.compare("b", "ab") > 0);
    }
}
