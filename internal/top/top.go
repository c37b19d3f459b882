// Package top is the screen of the verb top: apps, what is wrong with them and what goes on,
// as it happens, in a terminal. What it shows is data that a Source reads; how it answers
// keys and news, and what it draws, are functions of data (Model). Program has the terminal.
//
// Whatever comes from elsewhere is cleaned as it is drawn: no escape sequence but the ones of
// this package reaches the terminal.
package top

import (
	"context"
	"time"
)

// App is an app as the caller may see it, as one line of the list.
type App struct {
	Name    string
	Cells   [5]string // revision, sync, health, when and by whom it was deployed, drift
	Notes   []string  // what is wrong with it, and what goes on
	Urgency int       // 0: something is wrong; 1: something goes on, or is held; 2: neither
	Running string    // the deploy that goes on; "" for none
	Newest  string    // the newest deploy; "" for none
	When    time.Time // the newest deploy began
	Facts   string    // a line that says what it is
	Words   string    // that a filter finds it by, besides its name and cells
}

// Detail is an app with its objects and deploys.
type Detail struct {
	App
	Objects []Object
	Partial []string  // why objects may lack
	Read    time.Time // when the objects below those of the app were read from the cluster
	Deploys []Deploy  // the newest first
}

// Object is a line of an app's tree.
type Object struct {
	Depth int
	Cells [4]string // object, health, age, message
	Logs  string    // the object, as the verb logs takes it; "" if it prints nothing
}

// Deploy is a line of an app's history.
type Deploy struct {
	ID      string
	Cells   [6]string // revision, result, duration, when, by whom, number of changes
	Applied bool      // its revision can be gone back to
}

// Question is what an errand will do. It is asked before the errand is done.
type Question struct {
	Verb, App string
	Title     string
	Says      string   // in words
	Plan      []string // lines; none if there is no plan
	Refused   bool     // it cannot be done; Plan says why
	Words     []string // the verb that does it
	Follow    bool     // what the verb says is shown as it comes; else it ends soon
	Typed     string   // the same as a person types it
}

// Source reads what is shown. It asks for the rights of the caller each time.
type Source interface {
	// Apps lists the apps that the caller may see.
	Apps(ctx context.Context) []App
	// App reads one of them; ok is false if there is none. The cluster is asked for what is
	// below the app's objects when something has changed there, or fresh is set.
	App(ctx context.Context, name string, fresh bool) (d Detail, ok bool)
	// Ask says what a verb will do about an app. to is the deploy to go back to; "" for the
	// verb's own choice.
	Ask(ctx context.Context, verb, app, to string) Question
	// Run runs a verb as if it had been typed, tells what it says line by line, and reports
	// whether it has failed. It ends with ctx.
	Run(ctx context.Context, words []string, tell func(line string)) (failed bool)
}

// Look is how the screen is drawn.
type Look struct {
	// Fill replaces HOST in a call or an address by what the user calls the server.
	Fill func(text string) string
	// Colour returns the control sequence that begins the colour of a word for a state, ""
	// for none. Line colours a line of a plan or a deploy. Both are nil without colours.
	Colour func(word string) string
	Line   func(line string) string
}
