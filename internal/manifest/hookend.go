package manifest

// HookEnd is how the run of a hook ended.
type HookEnd string

// The ends. A hook that is under way has none.
const (
	EndSucceeded HookEnd = "succeeded"
	EndFailed    HookEnd = "failed"
	EndUnbegun   HookEnd = "unbegun" // its cluster did not answer when it was to be made
)
