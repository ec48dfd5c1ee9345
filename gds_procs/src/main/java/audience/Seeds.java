package audience;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import org.neo4j.graphdb.Label;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.QueryExecutionException;
import org.neo4j.graphdb.Result;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;

/** Turns seeds into nodes: by id, and for people by name or alias too, whatever the case. Never guesses. */
final class Seeds {
    private static final Label ENTITY = Label.label("Entity");
    private static final int SHOWN = 5;

    final List<Node> found = new ArrayList<>();
    final List<String> missing = new ArrayList<>();

    private Seeds() {
    }

    /** Find entities by id only; what is not found is listed as missing. */
    static Seeds byId(Transaction tx, List<String> given) {
        Seeds seeds = new Seeds();
        for (String id : checked(given)) {
            Node node = tx.findNode(ENTITY, "id", id);
            if (node == null) {
                seeds.missing.add(id);
            } else {
                seeds.found.add(node);
            }
        }
        return seeds;
    }

    /** Find entities by id, else by name, else by alias. Raises when a seed means nothing or several entities. */
    static Seeds byIdOrName(Transaction tx, List<String> given) {
        Seeds seeds = new Seeds();
        Set<Node> nodes = new LinkedHashSet<>();
        for (String phrase : checked(given)) {
            Node node = tx.findNode(ENTITY, "id", phrase);
            nodes.add(node != null ? node : named(tx, phrase));
        }
        seeds.found.addAll(nodes);
        return seeds;
    }

    private static Set<String> checked(List<String> given) {
        if (given == null || given.isEmpty()) {
            throw new IllegalArgumentException("seeds must hold at least one id or name, such as ['spa']");
        }
        if (given.contains(null)) {
            throw new IllegalArgumentException("seeds holds a null; give ids or names");
        }
        return new LinkedHashSet<>(given);
    }

    private static Node named(Transaction tx, String phrase) {
        TreeMap<String, Node> byName = new TreeMap<>();
        TreeMap<String, Node> byAlias = new TreeMap<>();
        String wanted = folded(phrase);
        for (Node node : candidates(tx, phrase)) {
            String id = String.valueOf(node.getProperty("id", ""));
            if (folded(String.valueOf(node.getProperty("name", ""))).equals(wanted)) {
                byName.put(id, node);
            } else if (hasAlias(node, wanted)) {
                byAlias.put(id, node);
            }
        }
        TreeMap<String, Node> meant = byName.isEmpty() ? byAlias : byName;
        if (meant.isEmpty()) {
            throw new IllegalArgumentException("seeds: no entity has the id, name or alias '" + phrase + "'");
        }
        if (meant.size() > 1) {
            throw new IllegalArgumentException("seeds: '" + phrase + "' means " + meant.size() + " entities: "
                    + String.join(", ", meant.keySet().stream().limit(SHOWN).toList())
                    + (meant.size() > SHOWN ? ", ..." : "") + "; give the id of one");
        }
        return meant.firstEntry().getValue();
    }

    private static List<Node> candidates(Transaction tx, String phrase) {
        List<Node> nodes = new ArrayList<>();
        String quoted = "\"" + phrase.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        if (hasTextIndex(tx)) {
            try (Result result = tx.execute(
                    "CALL db.index.fulltext.queryNodes('entity_text', $text) YIELD node RETURN node",
                    java.util.Map.of("text", quoted))) {
                result.forEachRemaining(row -> nodes.add((Node) row.get("node")));
            } catch (QueryExecutionException unreadable) {
                nodes.clear();
            }
        }
        if (nodes.isEmpty()) {
            // no index, or one whose analyzer drops every word of the phrase
            try (ResourceIterator<Node> all = tx.findNodes(ENTITY)) {
                all.forEachRemaining(nodes::add);
            }
        }
        return nodes;
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
                if (folded(alias).equals(wanted)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String folded(String text) {
        return text.strip().toLowerCase(Locale.ROOT);
    }
}
