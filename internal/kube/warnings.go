package kube

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxWarnings bounds the number of different warnings about one object.
	maxWarnings = 20
	// maxWarning bounds one warning, in bytes. The API server cuts its own (256
	// characters each, once they are more than 4 kB together); a proxy need not.
	maxWarning = 600
)

// Warnings are the API server's warnings about the requests of one context: deprecated
// versions and fields, policies that only warn, remarks of webhooks. Its methods are
// safe for concurrent use.
type Warnings struct {
	mu    sync.Mutex
	texts []string
	more  int
}

type warningsKey struct{}

// Listen returns a context that collects the API server's warnings about its requests.
func Listen(ctx context.Context) (context.Context, *Warnings) {
	heard := &Warnings{}
	return context.WithValue(ctx, warningsKey{}, heard), heard
}

// listener returns the listener to the requests of a context, or nil.
func listener(ctx context.Context) *Warnings {
	heard, _ := ctx.Value(warningsKey{}).(*Warnings)
	return heard
}

// add notes a warning, once. A nil listener ignores it.
func (w *Warnings) add(text string) {
	if w == nil {
		return
	}
	text = shorten(text, maxWarning)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case slices.Contains(w.texts, text):
	case len(w.texts) == maxWarnings:
		w.more++
	default:
		w.texts = append(w.texts, text)
	}
}

// About words the warnings as warnings about the object of the requests, each with its
// line as far as the text tells it, and without the values that the object hides.
func (w *Warnings) About(obj *manifest.Object) manifest.Problems {
	w.mu.Lock()
	defer w.mu.Unlock()
	var told manifest.Problems
	add := func(source manifest.Source, text string) {
		told = append(told, manifest.Problem{
			Source: source, Object: obj.ID().String(), Message: manifest.CleanLines(obj.Redact(text)),
		})
	}
	for _, text := range w.texts {
		path, message := warned(obj, text)
		source := obj.Source
		if path != "" {
			source = obj.At(path)
		}
		add(source, message)
	}
	if w.more > 0 {
		add(obj.Source, fmt.Sprintf("and %d more warnings of this object", w.more))
	}
	told.Sort()
	return told
}

var (
	deprecated   = regexp.MustCompile(`^\S+ \S+ is deprecated(?: in |$)`)
	policyWarned = regexp.MustCompile(`(?s)^Validation failed for ValidatingAdmissionPolicy '([^']*)' with binding '[^']*': (.*)$`)
	strictly     = regexp.MustCompile(`^(?:unknown|duplicate) field "([^"]+)"`)
	violatesPods = "would violate PodSecurity "
)

// warned parses a warning: the field that it is about, "" for the object as a whole,
// and its text for people.
func warned(obj *manifest.Object, text string) (path, message string) {
	if m := policyWarned.FindStringSubmatch(text); m != nil {
		return "", saidBy("the admission policy "+m[1]+" warns", m[2])
	}
	if m := strictly.FindStringSubmatch(text); m != nil {
		return parsePath(m[1], obj.Unstructured).String(), text
	}
	if strings.HasPrefix(text, violatesPods) {
		return "", podViolations(text)
	}
	if deprecated.MatchString(text) {
		return "apiVersion", text
	}
	field, _, _ := strings.Cut(text, " ")
	field = strings.TrimSuffix(field, ":")
	if root := field[:max(strings.IndexAny(field, ".["), 0)]; root == "" || obj.Object[root] == nil {
		return "", text
	}
	return parsePath(field, obj.Unstructured).String(), text
}

// passOn passes the warnings about an object that was tried elsewhere on to the
// listener of a context, as if the object had been tried in its own place. It leaves
// out warnings about the pods that the other namespace allows.
func (w *Warnings) passOn(ctx context.Context, e explainer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.texts {
		if !strings.HasPrefix(text, violatesPods) {
			listener(ctx).add(e.movedBack(text))
		}
	}
}

// warner passes the API server's warnings to the listener of the request. Other
// warnings about old versions go to the log; any other text might repeat a secret.
type warner struct{ log *logrus.Entry }

func (w warner) HandleWarningHeaderWithContext(ctx context.Context, code int, _ string, text string) {
	heard := listener(ctx)
	switch {
	case code != 299 || text == "":
	case heard != nil:
		heard.add(text)
	case deprecated.MatchString(text):
		w.log.WithField("warning", manifest.Clean(shorten(text, maxWarning))).Debug("the API server warns")
	}
}
