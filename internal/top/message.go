package top

import "time"

// What a Model is told. Key is a key by its name: "a", "up", "ctrl+c"; see decode.
type (
	Key   string
	Paste string
	Size  struct{ Columns, Rows int }
	// Moved says that an app may be another than before.
	Moved struct{}
	// Rested ends a Rest.
	Rested struct{}
	// Aged says that the times on the screen are old.
	Aged struct{}

	AppsRead struct{ Apps []App }
	AppRead  struct {
		Name   string
		Detail Detail
		OK     bool
	}
	Asked struct{ Question Question }
	// Lines are of the verb that Start began with that number. Skipped is how many lines
	// before them were dropped, because the screen is slower than they come.
	Lines struct {
		Number  int
		Lines   []string
		Skipped int
	}
	Ended struct {
		Number int
		Failed bool
	}
	// Done says how a Do ended. Running is the deploy that it began; "" for none.
	Done struct {
		Question Question
		Failed   bool
		Lines    []string
		Running  string
	}
)

// Effect is something that a Model wants to be done; its result is a message.
type Effect interface{ effect() }

// The effects. ReadApps, ReadApp and Ask are of Source.
type (
	ReadApps struct{}
	ReadApp  struct {
		Name  string
		Fresh bool
	}
	Ask struct{ Verb, App, To string }
	// Start runs a verb whose lines are shown, in place of the one before.
	Start struct {
		Number int
		Words  []string
	}
	// Stop ends the verb of Start.
	Stop struct{}
	// Do runs the verb of a question to its end.
	Do struct{ Question Question }
	// Rest has Rested told after a while, and Age has Aged told.
	Rest struct{ For time.Duration }
	Age  struct{ In time.Duration }
	Quit struct{}
)

func (ReadApps) effect() {}
func (ReadApp) effect()  {}
func (Ask) effect()      {}
func (Start) effect()    {}
func (Stop) effect()     {}
func (Do) effect()       {}
func (Rest) effect()     {}
func (Age) effect()      {}
func (Quit) effect()     {}
