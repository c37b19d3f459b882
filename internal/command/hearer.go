package command

import "errors"

// This file has what sessions are told that want to know more than an exit status.

// Is makes every call in the wrong form an ErrUsage.
func (e usageError) Is(target error) bool { return target == ErrUsage }

// Errors that a Hearer may tell apart.
var (
	ErrUsage    = errors.New("the call is in the wrong form")
	ErrNotFound = errors.New("not found")
)

// missingError is of something that is not there, in other words than ErrNotFound.
type missingError struct{ text string }

func (e missingError) Error() string { return e.text }

// Is makes it an ErrNotFound.
func (e missingError) Is(target error) bool { return target == ErrNotFound }

// Hearer is a Session that wants to know why a verb fails, beside the words for people.
type Hearer interface {
	// Failed is called at most once, before the verb ends.
	Failed(err error)
}
