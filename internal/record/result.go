package record

// Result is how a deploy ended.
type Result string

// The results.
const (
	Deployed   Result = "deployed"   // applied, and everything became healthy
	Unhealthy  Result = "unhealthy"  // applied, but not healthy in time
	Failed     Result = "failed"     // not applied, or only in part
	Superseded Result = "superseded" // a newer revision came before this one was healthy
	Corrected  Result = "corrected"  // drift was taken back
	DriftFound Result = "drifted"    // drift was found and left alone
	Suspended  Result = "suspended"  // the app was suspended, or a deploy waits for its end
	Waiting    Result = "waiting"    // accepted; it waits for a window
	Resumed    Result = "resumed"    // the app was resumed
	Restarted  Result = "restarted"  // pods of an object were replaced
	Skipped    Result = "skipped"    // pushed with -o skip; nothing was done
	Removed    Result = "removed"    // the app left pushboat.yaml; its objects are deleted
)

// OK reports whether the cluster was left as the revision says.
func (r Result) OK() bool { return r == Deployed || r == Corrected || r == Removed }

// Applied reports whether the revision's objects reached the cluster in full.
func (r Result) Applied() bool { return r.OK() || r == Unhealthy || r == Superseded }
