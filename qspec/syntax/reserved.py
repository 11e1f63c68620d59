"""Words that the grammar could take as names, and that may not be names."""

# Never a name: wherever one of them was not read as an operator, it stands in the wrong place.
OPERATORS = frozenset({"and", "or", "not", "in", "as", "where", "because"})

# Values, which nothing may be named like.
VALUES = frozenset({"any", "float", "true", "false", "none"})

RESERVED = OPERATORS | VALUES
