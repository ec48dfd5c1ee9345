// Purpose: the pages that the server hands to Browser: guide and style sheet.
// params: none
// returns: name, text
MATCH (page:BrowserPage)
RETURN page.name AS name, page.text AS text
ORDER BY name
