// Purpose: keep a page that the server hands to Browser, in place of the one that had the name.
// params: name (string), text (string)
// returns: written
MERGE (page:BrowserPage {name: $name})
SET page.text = $text
RETURN count(page) AS written
