package render

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// Limits on one call of Why.
const (
	// maxTrials bounds the number of renderings.
	maxTrials = 300
	// whyTimeout bounds the time of all of them.
	whyTimeout = 20 * time.Second
	// maxSearched bounds a file to search, in bytes.
	maxSearched = 1 << 20
)

// ErrNoField is the error for a field that the rendered object does not have.
var ErrNoField = errors.New("the rendered object does not set the field")

// Cause is a place that decides a value.
type Cause struct {
	manifest.Source
	Text  string  // the text of the line
	Gives *Naming // nil if the line is a part of the value itself
}

// Grown is how an app has come of the files of a revision, of which it is not an entry: from
// objects of other tools, which apps above it have rendered.
type Grown struct {
	// Files have these objects, and what they are made of.
	Files []string
	// App is the app as it would be with another content of a file; false if it would not be.
	App func(file string, data []byte) (appfile.App, bool)
}

// Why finds the lines of the revision that decide a field of an object, by trial: it
// changes one line after another, all else being the same, and sees whether the field
// changes. So the answer is right for patches, generators, values and templates alike,
// and does not name a line that another overrides. is picks the object among those of
// the app, which has placeholders for its generated values. Without causes, the
// renderer itself makes the value; then only the object's own Source is known. grown is nil
// for an app that the revision names itself.
func (s *Session) Why(ctx context.Context, app appfile.App, grown *Grown, is func(*manifest.Object) bool, field string) (value any, at manifest.Source, causes []Cause, err error) {
	ctx, cancel := context.WithTimeout(ctx, whyTimeout)
	defer cancel()
	set, _, problems := s.substitutions(ctx, app)
	spec := app
	app, _, unknown := s.chartValues(ctx, app)
	if len(unknown) > 0 {
		return nil, at, nil, append(problems, unknown...).Err()
	}
	tree, app, absent := s.withArtifacts(ctx, app)
	if len(absent) > 0 {
		return nil, at, nil, append(problems, absent...).Err()
	}
	files := s.filesOf(ctx, tree, app, nil)
	traced := trace(files)
	files.Conceal(set.Secrets()...)
	files.Conceal(app.Hidden...)
	objects, wrong := s.objects(ctx, traced, app, files.Given())
	of := secretive{files, app, set}
	if len(problems)+len(wrong) > 0 {
		return nil, at, nil, append(problems, s.conceal(ctx, of, nil, wrong)...).Err()
	}
	raw, o := pick(objects, is, set)
	if o == nil {
		return nil, at, nil, fs.ErrNotExist
	}
	o.HideOwn()
	if problems = s.conceal(ctx, of, []*manifest.Object{o}, nil); len(problems) > 0 {
		return nil, at, nil, problems.Err()
	}
	masked := (manifest.Masker{}).Hiding(o.Hidden()).Of(o).Mask(o.Object)
	// An element that is named by a value is not found under a mask.
	shown, ok := (&manifest.Object{Unstructured: &unstructured.Unstructured{Object: masked}}).ValueAt(field)
	if !ok {
		return nil, o.Source, nil, ErrNoField
	}
	value, ok = o.ValueAt(field)
	if !ok {
		return nil, o.Source, nil, ErrNoField
	}
	switch value.(type) {
	case map[string]any, []any:
		return shown, o.At(field), nil, nil
	}
	t := trials{session: s, files: files, app: app, set: set, is: is, field: field, value: fmt.Sprint(value)}
	if t.written, ok = raw.ValueAt(field); !ok {
		t.written = value
	}
	causes = append(s.declared(app, files.Given(), t.written), s.namings(ctx, of, grown, t.written, t.value)...)
	value = shown
	for _, c := range t.candidates(traced.files(), grown) {
		if (t.decides(ctx, c) || t.decidesApp(ctx, c, spec, grown)) && !slices.ContainsFunc(causes, func(known Cause) bool { return known.Source == c.source() }) {
			causes = append(causes, Cause{Source: c.source(), Text: files.ShownLine(c.file, strings.TrimSpace(c.text))})
		}
		if ctx.Err() != nil {
			return value, o.At(field), causes, fmt.Errorf("search for what decides the field: %w", ctx.Err())
		}
	}
	return value, o.At(field), causes, nil
}

// pick returns the selected object, before and after its names are replaced.
func pick(objects []*manifest.Object, is func(*manifest.Object) bool, set substitute.Set) (raw, o *manifest.Object) {
	for _, raw := range objects {
		o := raw.Copy()
		_, _ = set.Apply([]*manifest.Object{o}) // an unknown name stays
		if is(o) {
			return raw, o
		}
	}
	return nil, nil
}

// declared returns the lines of pushboat.yaml that declare the names, or the generated
// values, in a value.
func (s *Session) declared(app appfile.App, given map[string]string, written any) []Cause {
	text, _ := fs.ReadFile(s.fsys, appfile.Name) // without it there are no names
	lines := strings.Split(string(text), "\n")
	var causes []Cause
	add := func(line int) {
		if line <= len(lines) && line > 0 {
			causes = append(causes, Cause{Source: manifest.Source{File: appfile.Name, Line: line}, Text: strings.TrimSpace(lines[line-1])})
		}
	}
	for _, n := range app.Substitute.Names {
		if substitute.Uses(fmt.Sprint(written), n.Name) {
			add(n.Line)
		}
	}
	for _, g := range app.Helm.Generated {
		value := given[g.Path]
		if whole := fmt.Sprint(written); strings.Contains(whole, value) || strings.Contains(whole, base64.StdEncoding.EncodeToString([]byte(value))) {
			add(g.Line)
		}
	}
	return causes
}

// files lists the files that were read, sorted.
func (t *tracer) files() []string {
	var names []string
	for name, what := range t.paths {
		if info, err := fs.Stat(t.FS, name); what == content && err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// trials are the renderings for one question.
type trials struct {
	session *Session
	files   *secrets.Files
	app     appfile.App
	set     substitute.Set
	is      func(*manifest.Object) bool
	field   string
	value   string
	written any // the value before its names are replaced
}

// candidate is a word of a file that may decide the value.
type candidate struct {
	file       string
	data       []byte
	line       int
	text       string // the text of the line
	start, end int    // the word's place in data
	word       string
}

func (c candidate) source() manifest.Source { return manifest.Source{File: c.file, Line: c.line} }

// words matches the words of a line: without quotes, and without the marks that
// separate values in YAML and the parts of an image.
var words = regexp.MustCompile(`[^\s,{}\[\]"'#:=]+`)

// candidates returns the words that are part of the value, the most likely first: those
// that are the whole value, then the longest.
func (t trials) candidates(files []string, grown *Grown) []candidate {
	var found []candidate
	if grown != nil {
		for _, file := range grown.Files {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	for _, file := range files {
		data, err := fs.ReadFile(t.files, file)
		if err != nil || len(data) > maxSearched || !utf8.Valid(data) {
			continue
		}
		found = append(found, t.wordsOf(file, data)...)
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return len(b.word) - len(a.word) })
	return found[:min(len(found), maxTrials)]
}

func (t trials) wordsOf(file string, data []byte) []candidate {
	var found []candidate
	offset, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		for _, at := range words.FindAllIndex(line, -1) {
			if word := string(line[at[0]:at[1]]); strings.Contains(fmt.Sprint(t.written), word) {
				found = append(found, candidate{file, data, number, string(line), offset + at[0], offset + at[1], word})
			}
		}
		offset += len(line)
	}
	return found
}

// decides renders with another word in the candidate's place, and reports whether the
// field then differs.
func (t trials) decides(ctx context.Context, c candidate) bool {
	changed := slices.Concat(c.data[:c.start], []byte(another(c.word)), c.data[c.end:])
	return t.differs(ctx, c.file, changed, t.app)
}

// decidesApp is decides for a word that makes another app of the same name.
func (t trials) decidesApp(ctx context.Context, c candidate, spec appfile.App, grown *Grown) bool {
	if grown == nil || !slices.Contains(grown.Files, c.file) || ctx.Err() != nil {
		return false
	}
	changed := slices.Concat(c.data[:c.start], []byte(another(c.word)), c.data[c.end:])
	app, ok := grown.App(c.file, changed)
	if !ok || reflect.DeepEqual(app, spec) {
		return false
	}
	set, _, unknown := t.session.substitutions(ctx, app)
	app, _, unfilled := t.session.chartValues(ctx, app)
	tree, app, absent := t.session.withArtifacts(ctx, app)
	if len(unknown)+len(unfilled)+len(absent) > 0 {
		return false
	}
	t.set, t.files = set, t.session.filesOf(ctx, tree, app, nil) // it may be of other artifacts
	return t.differs(ctx, c.file, changed, app)
}

// differs reports whether the field differs if a file has another content.
func (t trials) differs(ctx context.Context, file string, changed []byte, app appfile.App) bool {
	objects, problems := t.session.objects(ctx, replaced{t.files, file, changed}, app, t.files.Given())
	if len(problems) > 0 {
		return false
	}
	_, o := pick(objects, t.is, t.set)
	if o == nil {
		return false
	}
	value, ok := o.ValueAt(t.field)
	return !ok || fmt.Sprint(value) != t.value
}

// another returns a word of the same type.
func another(word string) string {
	switch word {
	case "true":
		return "false"
	case "false":
		return "true"
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return strconv.FormatInt(n+1, 10)
	}
	return word + "x"
}

// replaced is a revision with one file changed.
type replaced struct {
	fs.FS
	name string
	data []byte
}

// Open implements fs.FS.
func (r replaced) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if err != nil || name != r.name {
		return file, err
	}
	return changedFile{file, bytes.NewReader(r.data)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (r replaced) ReadFile(name string) ([]byte, error) {
	if name == r.name {
		return bytes.Clone(r.data), nil
	}
	return fs.ReadFile(r.FS, name)
}

// changedFile is an open file with another content.
type changedFile struct {
	fs.File
	io.Reader
}

func (f changedFile) Read(p []byte) (int, error) { return f.Reader.Read(p) }
