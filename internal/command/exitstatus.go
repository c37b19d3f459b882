package command

// statusError is an error with an exit status of its own.
type statusError struct {
	err    error
	status int
}

// Error implements error.
func (e *statusError) Error() string { return e.err.Error() }

// Unwrap returns the error without its status.
func (e *statusError) Unwrap() error { return e.err }
