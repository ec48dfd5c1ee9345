"""Random questions about audiences, and what two answers may not tell."""
