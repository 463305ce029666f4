"""Why an input cannot be relied on, in one word: `InputProblem.code`."""

MISSING = "Missing"
STALE = "Stale"
INVALID = "Invalid"
UNKNOWN = "Unknown"
