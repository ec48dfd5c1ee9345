"""500 texts that must stay values wherever somebody can type: `PAYLOADS`, in families written by hand.

    for payload in PAYLOADS:
        ask(payload.text)

Breakouts are made of openers, which end the literal that a text might have been glued into, and of bodies, which do
harm once they are outside. All of them are different; `tests/text_inputs.py` says where they are typed.
"""

from __future__ import annotations

from dataclasses import dataclass

LONG = 100_000


@dataclass(frozen=True, slots=True)
class Payload:
    """One hostile text and the family that it belongs to."""

    family: str
    text: str

    @property
    def label(self) -> str:
        """What a failing test calls it: ASCII, short."""
        return f"{self.family}: {self.text[:60]!a}{'...' if len(self.text) > 60 else ''}"


CYPHER_OPENERS = ("' ", "'}) ", '"}) ', "`}) ", "\\' ", "\\u0027}) ", "\\u0060}) ", "'] ")
CYPHER_BODIES = (
    "DETACH DELETE n //",
    "WITH 1 AS x MATCH (e:Entity) SET e.sensitive = false //",
    "CREATE (:Entity {id: 'pwned', name: 'pwned'}) //",
    "CALL db.createLabel('pwned') //",
    "CALL dbms.listConfig() YIELD name, value RETURN name, value //",
    "CALL apoc.load.json('http://127.0.0.1:1/') YIELD value RETURN value //",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line //",
    "OR 1 = 1 OR '' = '",
    "UNION MATCH (n) RETURN n.name AS name //",
    "RETURN 1; MATCH (n) DETACH DELETE n; //",
)
CYPHER_WHOLE = (
    "MATCH (n) DETACH DELETE n",
    "CALL { MATCH (n) DELETE n } IN TRANSACTIONS OF 10 ROWS",
    "CALL gds.graph.drop('RELATES_2026_W30_1a2b3c4d', false)",
    "CALL gds.graph.list()",
    "CALL audience.confirm('e1', 'e9')",
    "CALL dbms.security.createUser('eve', 'secret12', false)",
    "CREATE USER eve SET PASSWORD 'secret12' CHANGE NOT REQUIRED",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "DROP CONSTRAINT entity_id IF EXISTS",
    "DROP INDEX entity_text",
    "STOP DATABASE neo4j",
    "SHOW USERS",
    "TERMINATE TRANSACTION 'neo4j-transaction-1'",
    "USE system SHOW DATABASES",
    ":param x => 1",
    ":auto MATCH (n) DELETE n",
    "apoc.cypher.doIt('MATCH (n) DETACH DELETE n', {})",
    "CALL apoc.util.sleep(100000)",
    "FOREACH (x IN range(1, 100000000) | CREATE ())",
    "/* x */ MATCH (n) DELETE n /* y */",
    "// x\nMATCH (n) DELETE n",
    "x\nWITH 1 AS y MATCH (n) DETACH DELETE n",
    "Entity) DETACH DELETE (n",
    "Entity|Audience",
    "Entity:Audience",
    "RELATES_2026_W30_1a2b3c4d|PICKED",
    "RELATES_2026_W30_1a2b3c4d`]->() DELETE r //",
    "$phrase", "$seeds", "$$phrase", "${phrase}", "$(version.relation_type)", "$($relation_type)", "{phrase}",
    "$`phrase`", "$0", "$",
    "\\u0027}) DETACH DELETE n //",
    "\\u0060) DETACH DELETE n //",
    "\\\\u0027 OR true //",
    "\u02bc}) DETACH DELETE n //", "\u2019 OR \u20191\u2019 = \u20191", "\uff07 OR 1=1 //", "\uff40}) DELETE n //",
    "\\u000aMATCH (n) DETACH DELETE n //", "x\\u000a RETURN 1 AS week //", "n.id", "true OR true", "null",
    "[1, 2, 3]", "{id: 'e1'}", "date('2026-07-26')",
)  # fmt: skip
SQL_OPENERS = ("'", "')", "$$", "E'\\'", '"')
SQL_BODIES = (
    " OR 1=1 --",
    " DROP TABLE user_key; --",
    " UNION SELECT user_id, key FROM user_key --",
    " DELETE FROM current_release; COMMIT; --",
    "; UPDATE consent SET granted = true; --",
    "; COPY (SELECT 1) TO PROGRAM 'touch /tmp/pwned'; --",
    " AND (SELECT pg_sleep(60)) IS NULL --",
    "::regclass; --",
)
SQL_WHOLE = (
    "; DROP TABLE audit_log CASCADE; --",
    "ROLLBACK; DROP SCHEMA public CASCADE",
    "DO $$ BEGIN DELETE FROM user_key; END $$",
    "$tag$; DELETE FROM release; $tag$",
    "E'\\047; DELETE FROM release; --",
    "U&'\\0027; DELETE FROM release; --",
    "1; ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "pg_read_file('/etc/passwd')",
    "lo_import('/etc/passwd')",
    "CREATE EXTENSION plpython3u",
    "SET ROLE postgres",
    "LISTEN x", "\\copy user_key to '/tmp/pwned'", "\\! id", "\\.", "\\N", "x::int", "CAST('x' AS int)", "user_key",
    "*",
    "user_key; --", "public.user_key", "\"user_key\"", "ctid", "xmin", "columns->>'city'", "key) OR (1=1", "--",
    "/*", "*/", "0x27", "1 OR 1=1", "current_user", "1/0", "ARRAY[1]", "{1,2}", "{NULL}", "(1,2)", "[1,2]",
)  # fmt: skip
PLACEHOLDERS = (
    "%s", "%(x)s", "%(key)s %s", "%%", "%", "100%", "%d", "%n%n%n%n", "%s" * 40, "%(phrase)s", "%b", "%t",
    "{}", "{0}", "{x}", "{0.__class__}", "{x.__init__.__globals__}", "{{}}", "{!r}", "f'{1}'", "$1", "$2", ":x", "?",
    "%1$s", "${jndi:ldap://127.0.0.1:1/a}", "${env:PATH}", "#{1+1}", "<%= 7*7 %>", "{%print(7)%}",
)  # fmt: skip
LUCENE = (
    "*", "?", "name:*", "*:*", "[* TO *]", "{a TO z}", "_exists_:name", "a AND OR NOT", "NOT *", "+ - && || !",
    '+ - && || ! ( ) { } [ ] ^ " ~ * ? : \\ /', "(((((((((", "))))", '"', '"unclosed', "/.*/", "/(a+)+$/", "a~", "a~99",
    "a^1000000", "a^-1", "\\", "\\\\", "aliases:spa", "name:(spa OR massage)", "spa AND", "-spa", "+spa", "!spa",
    '"spa massage"~10', "women's (football", "foo\\*bar", "\\u002a", "a" + " OR b" * 2000,
)  # fmt: skip
FILES = (
    "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "/etc/shadow", "/dev/null", "/dev/zero",
    "/proc/self/environ", "file:///etc/passwd", "~/.ssh/id_rsa", "~root", "..", ".", "./", "/", "//", "a/../../b",
    "....//....//etc/passwd", "%2e%2e%2fetc%2fpasswd", "..%c0%af..", "C:\\x", "\\\\host\\share", "con", "nul.csv",
    "aux", "lpt1", "-rf", "--help", "-", "x" * 300 + ".csv", "a\nb.csv", ".hidden", "name.csv/", "name.csv.", "a:b.csv",
    "http://127.0.0.1:1/x", "https://169.254.169.254/latest/", "ftp://127.0.0.1/x", "javascript:alert(1)",
    "gopher://127.0.0.1:25/_", "data:text/html,x", "https://user:pw@127.0.0.1/", "http://[::1]:1/", "https://",
    "saved/similar_services", "../release/publish", "kept/x", "similar_services.cypher", "similar_services\n",
)  # fmt: skip
FORMULAS = (
    "=cmd|' /C calc'!A0", "=1+1", "+1+1", "-1+1", "@SUM(1,1)", "=HYPERLINK(\"http://127.0.0.1\",\"x\")", "\t=1+1",
    "\r=1+1", "=IMPORTXML(\"http://127.0.0.1\",\"//a\")", "|calc", "\uff1d1+1", ";=1+1", ",=1+1", "\"=1+1\"",
)  # fmt: skip
HTML = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</td><td>x",
    "<!-- x -->", "]]>", "&lt;b&gt;", "&#39; OR 1", "<iframe src=javascript:alert(1)>", "\"><b>", "' onclick='x",
    "{{7*7}}", "{{constructor.constructor('alert(1)')()}}", "${7*7}", "[[7*7]]", "[x](javascript:alert(1))",
    "![x](http://127.0.0.1/x)", "[bold red]x[/]", "[/]", "[link=http://127.0.0.1]x", "<style>*{display:none}</style>",
    "<a href='//127.0.0.1'>x</a>",
)  # fmt: skip
JSON = (
    '"}', '","admin":true,"', "{", "[", "}]", '{"a":', '{"$ref": "#"}', '{"__proto__": {"x": 1}}', "\\u0000", '\\"',
    '{"kind": "everyone"}', "[" * 5000, '{"a":' * 500, "NaN", "Infinity", "-Infinity",
)  # fmt: skip
SHELL = (
    "; id", "| id", "& id &", "&& id", "$(id)", "`id`", "> /tmp/pwned", "< /etc/passwd", "'; id; '", "x\nid", "$HOME",
    "!!", "#", "%0aid",
)  # fmt: skip
LINES = (
    "a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "a\r\n\r\n<html>", "\n", "a\n2026-07-26 ERROR forged", "a\x0bb", "a\x0cb",
    "a\x85b", "a\u2028b", "a\u2029b", "\x1b[31mred", "\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "a\x08\x08b", "\x7f",
    "\t",
)  # fmt: skip
UNICODE = (
    "\u202eabc", "\u2066abc\u2069", "a\u200bb", "\u200b", "\ufeffa", "a\u00adb", "\u2060", "\ud800", "a\udfffb",
    "\udc80", "\ud83d\ude00", "\0", "a\0b", "\0\0", "\uffff", "\ufffd", "\U0010ffff", "\U0001f984\U0001f984",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7", "\u0645\u0631\u062d\u0628\u0627",
    "\u05e9\u05dc\u05d5\u05dd abc", "\u0e01\u0e33\u0e33\u0e33", "e" + "\u0301" * 200, "\u0130", "\u00df", "\ufb01sh",
    "\u212a", "\u1e9e", "\u3000", "\u00a0", "\u2126", "\ue000", "\U000e0041", "\u4f60\u597d", "\u115f",
)  # fmt: skip
NUMBERS = (
    "1e999", "-1e999", "-0", "0", "-1", "9223372036854775807", "9223372036854775808", "1" * 400, "0x10", "1_000",
    "1,000", "1e-400", "inf", "-inf", "nan", "\u0661\u0662", "\u00b2", "1.7976931348623157e309", "007", "+1", " 1 ",
    "true", "false", "None", "undefined", "2026-W99", "0000-W00", "9999-W53", "2026-W30; DROP",
    "2026-W30\n", "2026-W30-1a2b3c4d'", "\uff12026-W30",
)  # fmt: skip
EVIL_PATTERNS = (
    "(a+)+$", "a" * 5000 + "!", "(" * 2000, "[" + "a" * 1000, "a{1,99999}", "(?:" * 500, "\\1", "(?R)",
    "is known " * 500,
    "a" * 3000 + " is known x", " = " * 1000, ":" * 3000, "a,b" * 2000, " " * 20_000 + "x",
)  # fmt: skip
SIZES = (
    "", " ", "   ",
    "x" * LONG, "word " * 20_000, "\U0001f984" * 30_000, "'" * LONG, "\\" * 50_000, "\0" * 1000, "x" * 501,
    "x" * 513, "x" * 2001, "x" * 255, "`" * 1000,
)  # fmt: skip


def _all() -> tuple[Payload, ...]:
    families = {
        "cypher breakout": [opener + body for opener in CYPHER_OPENERS for body in CYPHER_BODIES],
        "cypher": CYPHER_WHOLE,
        "sql breakout": [opener + body for opener in SQL_OPENERS for body in SQL_BODIES],
        "sql": SQL_WHOLE,
        "placeholder": PLACEHOLDERS,
        "lucene": LUCENE,
        "file": FILES,
        "formula": FORMULAS,
        "html": HTML,
        "json": JSON,
        "shell": SHELL,
        "lines": LINES,
        "unicode": UNICODE,
        "number": NUMBERS,
        "pattern": EVIL_PATTERNS,
        "size": SIZES,
    }
    found = {text: Payload(family, text) for family, texts in families.items() for text in texts}
    return tuple(found.values())


PAYLOADS: tuple[Payload, ...] = _all()
