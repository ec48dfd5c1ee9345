package audience;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.QueryExecutionException;
import org.neo4j.graphdb.Result;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;

/** Turns seeds into nodes: by id, and for people by name or alias too, in the client's normal form. Never guesses. */
final class Seeds {
    private static final int SHOWN = 5;
    private static final int DOTLESS_I = 0x131;
    private static final char FIRST_IDEOGRAPH = 0x4E00;
    private static final char LAST_IDEOGRAPH = 0x9FFF;
    /** What the client counts as space: Unicode's white space and the four information separators. */
    private static final Pattern SPACE = Pattern.compile("[\\s\\x1c-\\x1f]+", Pattern.UNICODE_CHARACTER_CLASS);

    final List<Node> found = new ArrayList<>();
    final List<String> missing = new ArrayList<>();
    /** Sensitive ones, where these are not allowed. */
    final List<String> refused = new ArrayList<>();

    private Seeds() {
    }

    /** Find entities by id only; what is not found is listed as missing, what is not allowed as refused. */
    static Seeds byId(Transaction tx, List<String> given, Options options) {
        Seeds seeds = new Seeds();
        for (String id : checked("seeds", given)) {
            Node node = tx.findNode(Overlay.ENTITY, "id", id);
            if (node == null) {
                seeds.missing.add(id);
            } else if (!options.sensitive() && isSensitive(node)) {
                seeds.refused.add(id);
            } else {
                seeds.found.add(node);
            }
        }
        return seeds;
    }

    /**
     * Find entities by id, else by name, else by alias. Raises, naming the argument, when a phrase means nothing,
     * several entities, or a sensitive one that is not allowed.
     */
    static Seeds byIdOrName(Transaction tx, String argument, List<String> given, Options options) {
        Seeds seeds = new Seeds();
        Set<Node> nodes = new LinkedHashSet<>();
        for (String phrase : checked(argument, given)) {
            Node node = tx.findNode(Overlay.ENTITY, "id", phrase);
            node = node != null ? node : named(tx, argument, phrase);
            if (!options.sensitive() && isSensitive(node)) {
                throw new IllegalArgumentException(argument + ": '" + phrase + "' is sensitive" + (options.takesReason()
                        ? "; ask with a reason: {sensitive: true, because: 'why'}"
                        : ", and this procedure takes no sensitive entities"));
            }
            nodes.add(node);
        }
        seeds.found.addAll(nodes);
        return seeds;
    }

    /** Find one entity by id, else by name, else by alias; `argument` names it in what is raised. */
    static Node one(Transaction tx, String argument, Object given, Options options) {
        if (!(given instanceof String phrase) || phrase.isBlank()) {
            throw new IllegalArgumentException(argument + " must be the id, name or alias of an entity, not " + given);
        }
        return byIdOrName(tx, argument, java.util.Arrays.asList(phrase), options).found.get(0);
    }

    /** One entity that a phrase may mean; `score` is null where the match is exact. */
    record Match(Node node, String how, Double score) {
    }

    /** Return what a phrase means: by id, else by name, else by alias, else by its words, at most `limit` of those. */
    static List<Match> resolve(Transaction tx, String phrase, int limit, java.util.function.Predicate<Node> shown) {
        Node node = tx.findNode(Overlay.ENTITY, "id", phrase);
        if (node != null) {
            return shown.test(node) ? List.of(new Match(node, "id", null)) : List.of();
        }
        String wanted = folded(phrase);
        List<Match> exact = new ArrayList<>();
        for (Node one : meant(candidates(tx, phrase), wanted).values()) {
            if (shown.test(one)) {
                boolean named = folded(String.valueOf(one.getProperty("name", ""))).equals(wanted);
                exact.add(new Match(one, named ? "name" : "alias", null));
            }
        }
        if (!exact.isEmpty() || wanted.isEmpty() || !hasTextIndex(tx)) {
            return exact;
        }
        List<Match> found = new ArrayList<>();
        try (Result result = tx.execute(
                "CALL db.index.fulltext.queryNodes('entity_text', $text) YIELD node, score RETURN node, score",
                java.util.Map.of("text", words(phrase)))) {
            while (result.hasNext() && found.size() < limit) {
                java.util.Map<String, Object> row = result.next();
                if (shown.test((Node) row.get("node"))) {
                    found.add(new Match((Node) row.get("node"), "text", ((Number) row.get("score")).doubleValue()));
                }
            }
        } catch (QueryExecutionException unreadable) {
            found.clear();
        }
        return found;
    }

    /** Return the words of a phrase, each in quotes: none is an operator. */
    private static String words(String phrase) {
        List<String> words = new ArrayList<>();
        for (String word : folded(phrase).split(" ")) {
            words.add(quoted(word));
        }
        return String.join(" OR ", words);
    }

    /** Return the entries, each once; refuse a list without any, naming the argument. */
    static Set<String> checked(String argument, List<String> given) {
        if (given == null || given.isEmpty()) {
            throw new IllegalArgumentException(argument + " must hold at least one id or name, such as ['spa']");
        }
        if (given.contains(null)) {
            throw new IllegalArgumentException(argument + " holds a null; give ids or names");
        }
        return new LinkedHashSet<>(given);
    }

    private static boolean isSensitive(Node node) {
        return Boolean.TRUE.equals(node.getProperty(Overlay.SENSITIVE, null));
    }

    private static Node named(Transaction tx, String argument, String phrase) {
        String wanted = folded(phrase);
        TreeMap<String, Node> meant = meant(candidates(tx, phrase), wanted);
        if (meant.isEmpty()) {
            // no index, or one whose analyzer splits the spellings differently: a full-text index finds no 'Straße' by
            // STRASSE, so that only a look at every name tells that there is none
            try (ResourceIterator<Node> all = tx.findNodes(Overlay.ENTITY)) {
                meant = meant(() -> all, wanted);
            }
        }
        if (meant.isEmpty()) {
            throw new IllegalArgumentException(argument + ": no entity has the id, name or alias '" + phrase + "'");
        }
        if (meant.size() > 1) {
            throw new IllegalArgumentException(argument + ": '" + phrase + "' means " + meant.size() + " entities: "
                    + String.join(", ", meant.keySet().stream().limit(SHOWN).toList())
                    + (meant.size() > SHOWN ? ", ..." : "") + "; give the id of one");
        }
        return meant.firstEntry().getValue();
    }

    private static TreeMap<String, Node> meant(Iterable<Node> nodes, String wanted) {
        TreeMap<String, Node> byName = new TreeMap<>();
        TreeMap<String, Node> byAlias = new TreeMap<>();
        for (Node node : nodes) {
            if (folds(String.valueOf(node.getProperty("name", "")), wanted)) {
                byName.put(String.valueOf(node.getProperty("id", "")), node);
            } else if (hasAlias(node, wanted)) {
                byAlias.put(String.valueOf(node.getProperty("id", "")), node);
            }
        }
        return byName.isEmpty() ? byAlias : byName;
    }

    private static List<Node> candidates(Transaction tx, String phrase) {
        List<Node> nodes = new ArrayList<>();
        String text = quoted(phrase) + " OR " + quoted(folded(phrase));
        if (hasTextIndex(tx)) {
            try (Result result = tx.execute(
                    "CALL db.index.fulltext.queryNodes('entity_text', $text) YIELD node RETURN node",
                    java.util.Map.of("text", text))) {
                result.forEachRemaining(row -> nodes.add((Node) row.get("node")));
            } catch (QueryExecutionException unreadable) {
                nodes.clear();
            }
        }
        return nodes;
    }

    private static String quoted(String phrase) {
        return "\"" + phrase.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static boolean hasTextIndex(Transaction tx) {
        try {
            tx.schema().getIndexByName("entity_text");
            return true;
        } catch (IllegalArgumentException none) {
            return false;
        }
    }

    private static boolean hasAlias(Node node, String wanted) {
        if (node.getProperty("aliases", null) instanceof String[] aliases) {
            for (String alias : aliases) {
                if (folds(alias, wanted)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether the normal form of a text is `wanted`; most texts are told apart by how they begin. */
    private static boolean folds(String text, String wanted) {
        int begins = begins(text);
        return (begins < 0 || !wanted.isEmpty() && wanted.charAt(0) == begins) && folded(text).equals(wanted);
    }

    /** Return the first letter of the normal form of a text, -1 where that takes more than a look. */
    private static int begins(String text) {
        if (text.isEmpty()) {
            return -1;
        }
        char first = text.charAt(0);
        if (first >= FIRST_IDEOGRAPH && first <= LAST_IDEOGRAPH) {
            return first;
        }
        // what follows a letter may be an accent that belongs to it
        boolean plain = first > ' ' && first <= '~' && (text.length() == 1 || text.charAt(1) <= '~');
        return plain ? Character.toLowerCase(first) : -1;
    }

    /** The form in which the client compares names: NFKC, case folded, single spaces. */
    static String folded(String text) {
        StringBuilder folded = new StringBuilder();
        Normalizer.normalize(text, Normalizer.Form.NFKC).codePoints().forEach(point -> folded.append(caseless(point)));
        return SPACE.matcher(folded).replaceAll(" ").strip();
    }

    // Lower, upper, lower: one by one, so that a sigma at the end of a word is a sigma, and a capital sharp s is ss.
    private static String caseless(int point) {
        String letter = Character.toString(point);
        return point == DOTLESS_I
                ? letter
                : letter.toLowerCase(Locale.ROOT).toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
    }
}
