package render

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// Naming is a name that is replaced in a value as Flux does it, to which a line gives what it
// stands for.
type Naming struct {
	Name string
	// Alone says that the value has it once and no other, as ${NAME}, between Before and After.
	Alone         bool
	Before, After string
	// From is the ConfigMap or Secret with it; the zero value if it is in the object that means the
	// app.
	From appfile.ValuesFrom
}

// Needs is what the name has to stand for, for the value to be a wanted one; false if that cannot be
// told.
func (n *Naming) Needs(wanted string) (value string, ok bool) {
	rest, begins := strings.CutPrefix(wanted, n.Before)
	value, ends := strings.CutSuffix(rest, n.After)
	return value, n.Alone && begins && ends && value != ""
}

// maxNamings bounds the names of one value that are looked for.
const maxNamings = 20

// namings returns the lines that give the names in a value what they stand for. is is the value when they
// are replaced.
func (s *Session) namings(ctx context.Context, of secretive, grown *Grown, written any, is string) []Cause {
	text, ok := written.(string)
	if !ok || of.set.Post == nil || text == is {
		return nil
	}
	names := substitute.NamesIn(text)
	var causes []Cause
	for _, called := range names[:min(len(names), maxNamings)] {
		naming := &Naming{Name: called}
		if before, after, found := strings.Cut(text, "${"+called+"}"); found && len(names) == 1 && !strings.Contains(after, "$") && !strings.Contains(before, "$") {
			naming.Alone, naming.Before, naming.After = true, before, after
		}
		if at, found := s.giverOf(ctx, of.app, grown, naming); found {
			cause := Cause{Source: at, Gives: naming}
			if !of.set.Post.Secret[called] && !naming.From.Secret && naming.From.Kind != manifest.SecretKind.Kind {
				cause.Text = of.files.ShownLine(at.File, s.line(at))
			}
			causes = append(causes, cause)
		}
	}
	return causes
}

// giverOf finds the line that gives a name what it stands for, and notes which object has it. found is
// false if nothing gives it anything, as where it has its default.
func (s *Session) giverOf(ctx context.Context, app appfile.App, grown *Grown, naming *Naming) (at manifest.Source, found bool) {
	if value, has := app.PostBuild.Values[naming.Name]; has {
		return s.lineIn(app.Source, []string{"spec.postBuild.substitute"}, naming.Name, value, grown), true
	}
	for _, from := range slices.Backward(app.PostBuild.From) {
		data, problem := s.valuesFrom(ctx, app.Cluster, from)
		value, has := data[naming.Name]
		switch {
		case problem != nil || !has:
			continue
		case from.At.File == "":
			naming.From = from
			return from.Source(), true
		}
		naming.From = from
		return s.lineIn(from.At, []string{"data", "stringData"}, naming.Name, value, nil), true
	}
	return at, false
}

// lineIn is the line with a key of one of some mappings of an object. If the object has another value as
// it is written, or none, it is the line that looks like it, of the same file or of those that an app has
// grown from, or else that of the object.
func (s *Session) lineIn(object manifest.Source, fields []string, key, value string, grown *Grown) manifest.Source {
	data, err := fs.ReadFile(s.fsys, object.File)
	if err != nil || len(data) > maxSearched {
		return object
	}
	written, exact := object, false
	objects, _ := manifest.Parse(object.File, data)
	for _, o := range objects {
		for _, field := range fields {
			if is, has := o.ValueAt(field + "[" + key + "]"); has && o.Source == object {
				written, exact = o.At(field+"["+key+"]"), fmt.Sprint(is) == value
			}
		}
	}
	if exact {
		return written
	}
	like := regexp.MustCompile(`(^|[\s{,"'-])` + regexp.QuoteMeta(key) + `["']?\s*[:=]\s*["']?` + regexp.QuoteMeta(value))
	files := map[string][]byte{object.File: data}
	if grown != nil {
		for _, file := range grown.Files {
			if data, err := fs.ReadFile(s.fsys, file); err == nil && len(data) <= maxSearched {
				files[file] = data
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		number := 0
		for line := range strings.Lines(string(files[file])) {
			if number++; like.MatchString(line) {
				return manifest.Source{File: file, Line: number}
			}
		}
	}
	return written
}

// line is the text of a line of the revision.
func (s *Session) line(at manifest.Source) string {
	data, err := fs.ReadFile(s.fsys, at.File)
	if err != nil || at.Line < 1 {
		return ""
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		if number++; number == at.Line {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
