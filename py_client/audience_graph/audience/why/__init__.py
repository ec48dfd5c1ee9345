"""Why one user is in an audience or not: the steps of its definition, shares of the score, what holds sending back."""
