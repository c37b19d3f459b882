package record

// Action is a plan's verb for one object.
type Action string

// The actions, in the words that operators see once they are done.
const (
	Create    Action = "created"
	Configure Action = "configured"
	Recreate  Action = "recreated" // deleted and made again, by -o force or as its annotations ask
	Unchanged Action = "unchanged"
	Delete    Action = "deleted"
	Release   Action = "released" // kept, and no longer the app's
	Hook      Action = "hook"     // run in its phases, see Plan.Hooks
	Hand      Action = "moved"    // left to another app that wants it
	Left      Action = "left"     // in a record: found drifted, and left so
)
