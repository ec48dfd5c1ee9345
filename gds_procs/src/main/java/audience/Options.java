package audience;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an expansion is asked. {@link #of} refuses an unknown or impossible option by its name.
 *
 * @param takesReason whether `sensitive` is among the options that there are
 */
record Options(
        int hops,
        double minRelevance,
        int fanOut,
        double damping,
        int limit,
        Set<String> types,
        boolean reverse,
        boolean sensitive,
        String because,
        String week,
        String version,
        boolean takesReason) {

    static final Set<String> KNOWN = new TreeSet<>(Set.of(
            "hops", "min_relevance", "fan_out", "damping", "limit", "types", "reverse", "sensitive", "because", "week",
            "version"));

    static Options of(Map<String, Object> given) {
        return of(given, KNOWN, 1000);
    }

    /** Return those of a procedure that takes none. */
    static Options none() {
        return of(Map.of(), Set.of(), 1000);
    }

    /** Take only the options named in `known`; `limit` is what it is where it is not given. */
    static Options of(Map<String, Object> given, Set<String> known, int limit) {
        Map<String, Object> values = given == null ? Map.of() : given;
        for (String name : values.keySet()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "options." + name + " is not an option; there are " + String.join(", ", new TreeSet<>(known)));
            }
        }
        if (values.get("week") != null && values.get("version") != null) {
            throw new IllegalArgumentException("options.week and options.version: give one of the two");
        }
        return new Options(
                whole(values, "hops", 2, 4),
                fraction(values, "min_relevance", 0.05),
                whole(values, "fan_out", 50, Integer.MAX_VALUE),
                fraction(values, "damping", 0.0),
                whole(values, "limit", limit, Integer.MAX_VALUE),
                texts(values.get("types")),
                yesOrNo(values, "reverse"),
                yesOrNo(values, "sensitive"),
                reason(values),
                week("options.week", values.get("week")),
                text("options.version", values.get("version")),
                known.contains("sensitive"));
    }

    /** Return the same for all entities within some hops, however weak. */
    Options over(int depth) {
        return new Options(depth, 0.0, fanOut, damping, Integer.MAX_VALUE, types, reverse, sensitive, because, week,
                version, takesReason);
    }

    private static int whole(Map<String, Object> values, String name, int usual, int top) {
        Object value = values.get(name);
        if (value == null) {
            return usual;
        }
        if (value instanceof Long number && number >= 1 && number <= top) {
            return number.intValue();
        }
        throw refused("options." + name, "a whole number from 1 to " + top, value);
    }

    /** Return an option from 0 to 1. */
    static double fraction(Map<String, Object> given, String name, double usual) {
        Object value = given == null ? null : given.get(name);
        if (value == null) {
            return usual;
        }
        if (value instanceof Number number && number.doubleValue() >= 0 && number.doubleValue() <= 1) {
            return number.doubleValue();
        }
        throw refused("options." + name, "a number from 0 to 1", value);
    }

    private static Set<String> texts(Object value) {
        if (value == null) {
            return Set.of();
        }
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            Set<String> types = new HashSet<>();
            list.forEach(type -> types.add((String) type));
            return types;
        }
        throw refused("options.types", "a list of entity types", value);
    }

    private static boolean yesOrNo(Map<String, Object> values, String name) {
        Object value = values.get(name);
        if (value == null) {
            return false;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw refused("options." + name, "true or false", value);
    }

    /** Return why sensitive entities are asked for, null where they are not. */
    private static String reason(Map<String, Object> values) {
        String because = text("options.because", values.get("because"));
        boolean given = because != null && !because.isBlank();
        if (given != yesOrNo(values, "sensitive")) {
            throw new IllegalArgumentException("options.sensitive and options.because go together: "
                    + "{sensitive: true, because: 'why'}; the reason is written to the server's log");
        }
        return given ? because.strip() : null;
    }

    /** Return a week, null where none is given; `argument` names it in what is raised. */
    static String week(String argument, Object value) {
        String week = text(argument, value);
        if (week != null && !week.matches("\\d{4}-W\\d{2}")) {
            throw refused(argument, "an ISO week such as 2026-W30", value);
        }
        return week;
    }

    private static String text(String argument, Object value) {
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw refused(argument, "text", value);
    }

    private static IllegalArgumentException refused(String argument, String expected, Object found) {
        return new IllegalArgumentException(argument + " must be " + expected + ", not " + found);
    }
}
