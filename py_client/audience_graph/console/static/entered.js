// Go on to the page, and leave the address with the token out of the history.
"use strict";
location.replace(document.getElementById("on").href);
