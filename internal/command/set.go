package command

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/amend"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const setFieldHelp = objectHelp +
	"FIELD is a path as why takes it, of a value that the app's files decide by one\n" +
	"line. The line is found by trial, through patches, values and templates, and\n" +
	"only its value changes, in a commit in your name. That goes through the gate\n" +
	"like a push, with the rights of a push. Values of Secrets are never set so.\n" +
	mirroredHelp +
	"Shows the deploy until it ends, and exits 1 if it does not end well.\n" +
	"Example: set shop Deployment/web spec.replicas 3"

// setField sets a field of an object in the line that decides it.
func setField(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	if len(c.args) < 4 {
		return usageError{"VALUE is missing; the empty one is ''"}
	}
	object, field, text := c.args[1], c.args[2], strings.Join(c.args[3:], " ")
	if err := checkValue(text); err != nil {
		return err
	}
	return c.amend(ctx, amendment{
		status:  status,
		subject: clipped(fmt.Sprintf("Set %s of %s in %s to %s", field, object, status.App, text)),
		so:      fmt.Sprintf("%s of %s is %s", field, object, said(text)),
		find: func(ctx context.Context, b *deploy.Bench) (amend.Files, []amend.Change, error) {
			return c.findField(ctx, status, b, fieldOf{object, field, text})
		},
	})
}

// fieldOf is a field of an object, and the text that it is to have; "" if only a part of it is known.
type fieldOf struct{ object, field, text string }

// findField finds the line that decides a field.
func (c *call) findField(ctx context.Context, status deploy.Status, b *deploy.Bench, f fieldOf) (amend.Files, []amend.Change, error) {
	is, err := b.Named(ctx, f.object)
	if err != nil {
		return nil, nil, usageError{fmt.Sprintf("%q: %v", manifest.Clean(f.object), err)}
	}
	o := firstOf(b.Objects, is)
	if o == nil {
		return nil, nil, report.WithHint(fmt.Errorf("app %s renders no object %s", status.App, f.object), "name it like deploy/web, or deploy/NAMESPACE/web, as listed by: ssh HOST tree %s", status.App)
	}
	value, err := shownValue(o, f.field)
	if err != nil {
		return nil, nil, err
	}
	want := amend.Typed(f.text, value)
	if amend.Equal(value, want) {
		return nil, nil, nil
	}
	search := amend.Search{Files: b.Files, Look: look(b, is, f.field)}
	files, changes, err := search.Value(ctx, nil, value, want)
	if errors.Is(err, amend.ErrNotFound) {
		err = c.notDecided(ctx, status, b, f)
	}
	return files, changes, err
}

// look returns the function that renders with changed files, and reads a field.
func look(b *deploy.Bench, is func(*manifest.Object) bool, field string) amend.Look {
	return func(ctx context.Context, changed amend.Files) (any, bool) {
		objects, ok := b.Try(ctx, changed)
		if !ok {
			return nil, false
		}
		o := firstOf(objects, is)
		if o == nil {
			return nil, false
		}
		return o.ValueAt(field)
	}
}

func firstOf(objects []*manifest.Object, is func(*manifest.Object) bool) *manifest.Object {
	for _, o := range objects {
		if is(o) {
			return o
		}
	}
	return nil
}

// shownValue returns a value of an object that may be shown, and is one word or number.
func shownValue(o *manifest.Object, field string) (any, error) {
	value, ok := o.ValueAt(field)
	if !ok {
		hint := fmt.Sprintf("add it in %s, in a commit of your own", o.Source)
		if appfile.InArtifact(o.Source.File) {
			hint = hintArchived
		}
		return nil, report.WithHint(fmt.Errorf("%s sets no field %s", o.ID(), field), "%s", hint)
	}
	if o.GetKind() == "Secret" || !shows(o, field, value) {
		return nil, report.WithHint(fmt.Errorf("%s of %s is secret, and no value of a Secret is set so", field, o.ID()),
			"change the encrypted file, in a commit of your own: sops edit FILE")
	}
	switch value.(type) {
	case map[string]any, []any, nil:
		return nil, report.WithHint(fmt.Errorf("%s of %s is not a single value", field, o.ID()), "name one of the values below it; see them: pushboat render")
	}
	return value, nil
}

// shows reports whether a value of an object may be shown.
func shows(o *manifest.Object, field string, value any) bool {
	masked := (manifest.Masker{}).Hiding(o.Hidden()).Of(o).Mask(o.Object)
	shown, ok := (&manifest.Object{Unstructured: &unstructured.Unstructured{Object: masked}}).ValueAt(field)
	return ok && reflect.DeepEqual(shown, value)
}

// checkValue refuses texts that do not stand on a line.
func checkValue(text string) error {
	switch {
	case len(text) > amend.MaxValue:
		return usageError{fmt.Sprintf("VALUE has more than %d bytes", amend.MaxValue)}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return usageError{"VALUE is not a text of one line"}
	}
	return nil
}

// maxSubjectLine bounds the subject of a commit, in characters.
const maxSubjectLine = 100

// clipped is a text for the first line of a message.
func clipped(text string) string {
	text = manifest.Clean(text)
	if runes := []rune(text); len(runes) > maxSubjectLine {
		return string(runes[:maxSubjectLine-1]) + "…"
	}
	return text
}
