package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestErrorsThatPass: a request is made again only after an error that passes by itself.
func TestErrorsThatPass(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "x.org", Version: "v1", Kind: "Widget"}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"none":                          {nil, false},
		"the cluster does not answer":   {kubetest.Down, true},
		"an extension API is away":      {&kube.UnknownKindError{GVK: gvk, Broken: kubetest.Down}, true},
		"too many requests":             {apierrors.NewTooManyRequests("later", 1), true},
		"changed by another meanwhile":  {kubetest.Conflict(configMap("a")), true},
		"no namespace yet":              {kubetest.NoNamespace("shop"), true},
		"judged by the old definition":  {&oldSchemaError{kubetest.Refused}, true},
		"the object does not exist":     {kubetest.NotFound(configMap("a")), false},
		"the kind is not served":        {&kube.UnknownKindError{GVK: gvk}, false},
		"refused":                       {kubetest.Refused, false},
		"no rights":                     {kubetest.Forbidden(configMap("a")), false},
		"the namespace is being closed": {kubetest.Ends(configMap("a")), false},
		"of the program itself":         {errors.New("cannot encode"), false},
	} {
		if got := passes(test.err); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRequestsAreMadeAgain counts the tries of a request, and measures the time that they
// take.
func TestRequestsAreMadeAgain(t *testing.T) {
	for name, test := range map[string]struct {
		errs  []error // the errors of the first tries
		tries int
		took  time.Duration
		err   error
	}{
		"succeeds at once":         {nil, 1, 0, nil},
		"fails for good":           {[]error{kubetest.Refused}, 1, 0, kubetest.Refused},
		"succeeds the second time": {[]error{kubetest.Down}, 2, 100 * time.Millisecond, nil},
		"waits twice as long":      {[]error{kubetest.Down, kubetest.Down}, 3, 300 * time.Millisecond, nil},
		"fails for good later":     {[]error{kubetest.Down, kubetest.Refused, kubetest.Down}, 2, 100 * time.Millisecond, kubetest.Refused},
		"never succeeds":           {[]error{kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down}, 6, 3100 * time.Millisecond, kubetest.Down},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				err := again(t.Context(), func() error {
					if tries++; tries <= len(test.errs) {
						return test.errs[tries-1]
					}
					return nil
				})
				if !errors.Is(err, test.err) || tries != test.tries || time.Since(began) != test.took {
					t.Errorf("%d tries in %s, and then %v", tries, time.Since(began), err)
				}
			})
		})
	}
}

func TestRequestIsNotMadeAgainWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		tries := 0
		err := again(ctx, func() error { tries++; return kubetest.Down })
		if tries != 2 || !errors.Is(err, kubetest.Down) {
			t.Errorf("%d tries, and then %v", tries, err)
		}
	})
}

// TestRefusalByTheOldDefinition: a refusal passes only if the object's new definition comes
// with the push.
func TestRefusalByTheOldDefinition(t *testing.T) {
	for name, test := range map[string]struct {
		defined bool
		err     error
		passes  bool
	}{
		"accepted":                             {true, nil, false},
		"its definition came with the push":    {true, kubetest.Refused, true},
		"its definition was there before":      {false, kubetest.Refused, false},
		"the server has no rights to its kind": {true, kubetest.Forbidden(configMap("a")), false},
	} {
		err := bySchema(plan.Step{Defined: test.defined}, test.err)
		if !errors.Is(err, test.err) || passes(err) != test.passes {
			t.Errorf("%s: %v, which passes: %v", name, err, passes(err))
		}
	}
}

func TestErrorInPlainWordsKeepsItsCause(t *testing.T) {
	w := newWorld(t)
	step := w.step(config("a", "1"))
	wantError(t, w.work().plainly(t.Context(), step, kubetest.Refused), "refused")
	w.api.plainly = "spec.x is not a field"
	err := w.work().plainly(t.Context(), step, kubetest.Refused)
	wantCause(t, err, kubetest.Refused)
	if err.Error() != "spec.x is not a field" {
		t.Errorf("the error is %q", err)
	}
}
