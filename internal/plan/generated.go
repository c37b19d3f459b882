package plan

// fate is what becomes of a generated value, in the words of a plan.
type Fate struct{ Path, Is string }
