package top

import "time"

// What a Model is told.
type (
	// Key is a key by its name: "a", "up", "ctrl+c"; see decode.
	Key string
	// Paste is pasted text.
	Paste string
	// Size is the size of the screen, in characters.
	Size struct{ Columns, Rows int }
	// Moved says that an app may be another than before.
	Moved struct{}
	// Rested ends a Rest.
	Rested struct{}
	// Aged says that the times on the screen are old.
	Aged struct{}

	// AppsRead answers ReadApps.
	AppsRead struct{ Apps []App }
	// AppRead answers ReadApp. OK is false if there is no such app any more.
	AppRead struct {
		Name   string
		Detail Detail
		OK     bool
	}
	// Asked answers Ask.
	Asked struct{ Question Question }
	// Lines are of the verb that Start began with that number. Skipped is how many lines
	// before them were dropped, because the screen is slower than they come.
	Lines struct {
		Number  int
		Lines   []string
		Skipped int
	}
	// Ended says that the verb of Start has ended.
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

// The effects.
type (
	// ReadApps reads all apps, see Source.
	ReadApps struct{}
	// ReadApp reads one, see Source.
	ReadApp struct {
		Name  string
		Fresh bool
	}
	// Ask reads a question, see Source.
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
	// Rest has Rested told after a while.
	Rest struct{ For time.Duration }
	// Age has Aged told after a while.
	Age struct{ In time.Duration }
	// Quit ends the screen.
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
