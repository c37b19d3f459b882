package record

// Cause says why a deploy ran.
type Cause string

// The causes.
const (
	CausePush     Cause = "push"     // a push moved the branch
	CauseSync     Cause = "sync"     // an operator asked for it
	CauseStart    Cause = "start"    // the server started and found work undone
	CauseSchedule Cause = "schedule" // the app's cron expression
	CauseCheck    Cause = "check"    // an operator asked how it is
	CauseDrift    Cause = "drift"    // a watch saw an owned object change
	CauseRetry    Cause = "retry"    // the deploy before failed
	CauseSuspend  Cause = "suspend"  // an operator suspended the app
	CauseResume   Cause = "resume"   // an operator resumed it, or its time was over
	CauseValues   Cause = "values"   // the values that the app takes from its cluster, or the versions in its ranges, have changed
	CauseGrant    Cause = "grant"    // what the app's repository may deploy has changed
	CauseHealth   Cause = "health"   // an object of an unhealthy deploy became healthy
	CauseRollback Cause = "rollback" // an operator, or onFailure, took the app back
	CauseRestart  Cause = "restart"  // an operator had pods replaced
	CauseWindow   Cause = "window"   // a window opened, for which the deploy had waited
	CauseRotate   Cause = "rotate"   // an operator had its generated values replaced
	CauseClusters Cause = "clusters" // other clusters have the labels that the app's entry selects
)

// Checks reports whether the cause only compares, and deploys nothing new.
func (c Cause) Checks() bool {
	return c != CausePush && c != CauseSync && c != CauseRollback && c != CauseResume && c != CauseRotate
}
