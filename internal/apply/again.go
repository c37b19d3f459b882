package apply

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

const (
	// requestTimeout bounds one request of an apply, with its repetitions.
	requestTimeout = 60 * time.Second
	// A request that failed for reasons that pass is made again after
	// againFirst, then ever more slowly.
	againFirst = 100 * time.Millisecond
	againTimes = 6
)

// again makes a request until it succeeds, or fails for a reason that stays.
func again(ctx context.Context, request func() error) error {
	delay := againFirst
	for try := 1; ; try++ {
		err := request()
		if err == nil || try == againTimes || !passes(err) {
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return err
		}
		delay *= 2
	}
}

// passes reports whether an error is of the kind that goes away by itself.
func passes(err error) bool {
	var old *oldSchemaError
	return kube.IsTransient(err) || apierrors.IsConflict(err) || plan.IsNamespaceMissing(err) ||
		errors.As(err, &old)
}

// oldSchemaError is the refusal of an object that its new definition allows: the
// API server still judges by the old one, as it does for some milliseconds
// after a definition has changed, and nothing tells when it stops.
type oldSchemaError struct{ error }

func (e *oldSchemaError) Unwrap() error { return e.error }

// bySchema marks the refusal of an object whose definition came with the push.
func bySchema(step plan.Step, err error) error {
	if err == nil || !step.Defined || apierrors.IsForbidden(err) {
		return err
	}
	return &oldSchemaError{err}
}

// plainly puts an API error into the words of the gate.
func (w *Work) plainly(ctx context.Context, step plan.Step, err error) error {
	if problems := w.cluster.API.Explain(ctx, step.Object, err); len(problems) > 0 {
		return &plainError{problems[0].Message, problems[0].Lacks, err}
	}
	return err
}

// plainError is an API error in other words.
type plainError struct {
	text  string
	lacks manifest.Right // for want of which the request was refused; zero for none
	err   error
}

func (e *plainError) Error() string { return e.text }

// Lacks returns the right for want of which the request was refused.
func (e *plainError) Lacks() manifest.Right { return e.lacks }

func (e *plainError) Unwrap() error { return e.err }
