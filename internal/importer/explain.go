package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/argo"
	"github.com/pushboat/pushboat/internal/importer/flux"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Without are the objects that are none of some tools: those of appfile.App.LeaveOut.
func Without(tools []string, objects []*manifest.Object) []*manifest.Object {
	return slices.DeleteFunc(slices.Clone(objects), func(o *manifest.Object) bool {
		return slices.Contains(tools, appfile.ToolFlux) && flux.Is(o) || slices.Contains(tools, appfile.ToolArgo) && argo.Is(o)
	})
}

// remains is what an app applies, and what it does not.
type remains struct {
	applied int
	tools   []string // whose objects are left out
}

func remainsOf(applied, meant []*manifest.Object) remains {
	left := remains{applied: len(applied)}
	for _, tool := range appfile.Tools[1:] {
		if len(Without([]string{tool}, meant)) < len(meant) {
			left.tools = append(left.tools, tool)
		}
	}
	return left
}

// Explain writes the pushboat.yaml that means the same as a tree that has grown. What cannot be
// written is a problem, and the text has a comment in its place.
func (t *Tree) Explain() ([]byte, manifest.Problems) {
	after, problems := t.Finish(true)
	head := []string{"The apps that the objects of this repository mean, without these objects."}
	for _, note := range t.asides(func(name.App) bool { return true }) {
		head = append(head, noteText(note))
	}
	entries := make([]appfile.Entry, 0, len(t.order))
	for _, app := range t.order {
		if t.GivenTo(app) != "" {
			continue
		}
		made := t.apps[app]
		e := &explanation{app: made.App}
		e.app.DependsOn, e.app.LeaveOut = after[app], t.left[app].tools
		e.say("%s", t.origin(app))
		t.explainRemoval(&e.app)
		if t.left[app].applied == 0 {
			e.say("applies nothing itself: it can be taken out, if no other app depends on it")
		}
		if made.Project != "" {
			e.say("AppProject %s bounds it no more: what the repository may deploy is said in admin.git", made.Project)
		}
		for _, note := range made.Notes {
			e.say("%s", noteText(note))
		}
		e.namespace()
		e.postBuild(func(from appfile.ValuesFrom) []string { return t.makeFirst(app, from) })
		e.values()
		e.conceal()
		if len(e.app.Suspended) > maxSuspended {
			e.app.Suspended = "as its object says"
		}
		entries = append(entries, appfile.Entry{App: e.app, Comments: e.comments})
		problems = append(problems, e.problems...)
	}
	if len(problems) > 0 {
		head = append(head, fmt.Sprintf("It is not complete: %s.", manifest.Plural(len(problems), "problem")))
	}
	text, err := appfile.Write(head, entries)
	if err != nil {
		problems = append(problems, manifest.Problem{Message: err.Error()})
	}
	return text, problems
}

// maxSuspended bounds a reason in a pushboat.yaml; see window.CheckReason.
const maxSuspended = 200

// explainRemoval writes what becomes of the objects when an app is removed, where its parent
// decides that as well.
func (t *Tree) explainRemoval(app *appfile.App) {
	has := func(app name.App) *appfile.App {
		if made := t.apps[app]; made != nil {
			return &made.App
		}
		return nil
	}
	keeps := app.KeptBy(appfile.Succession{Has: has, Had: has, Set: func(string) bool { return true }}) != ""
	app.OnRemove = ""
	switch {
	case keeps && app.Prune:
		app.OnRemove = appfile.OnRemoveKeep
	case !keeps && !app.Prune:
		app.OnRemove = appfile.OnRemoveDelete
	}
}

func noteText(note meaning.Note) string {
	return fmt.Sprintf("%s: %s: %s", note.Source, note.Object, note.Text)
}

// origin says which object means an app, and which app makes that object.
func (t *Tree) origin(app name.App) string {
	made := t.apps[app]
	if made.By.Kind == "" {
		return "all that is in the repository"
	}
	text := fmt.Sprintf("%s %s/%s, %s", made.By.Kind, made.By.Namespace, made.By.Name, made.By.Source)
	if made.Parent != "" {
		text += ", made by " + string(made.Parent)
	}
	if at := t.Inherited(app); len(at) > 0 {
		places := make([]string, len(at))
		for i := range at {
			places[i] = at[i].String()
		}
		text += ", changed at " + strings.Join(places, ", ")
	}
	return text
}

// explanation is an app that is being explained.
type explanation struct {
	app      appfile.App
	comments []string
	problems manifest.Problems
}

func (e *explanation) say(format string, args ...any) {
	e.comments = append(e.comments, fmt.Sprintf(format, args...))
}

// lack says of something secret that it is not written, and what to write in its place.
func (e *explanation) lack(what, hint string) {
	e.say("%s: not written here, since it is secret; %s", what, hint)
	e.problems = append(e.problems, manifest.Problem{App: e.app.Name, Source: e.app.Source, Message: what + " is secret, and is not printed", Hint: hint})
}

// namespace has the labels of a namespace be written.
func (e *explanation) namespace() {
	if e.app.NamespaceMetadata.IsZero() {
		return
	}
	e.app.NamespaceMetadata = appfile.Metadata{}
	what, hint := "the Namespace "+e.app.Namespace+" has labels or annotations", "commit it with them among the app's manifests"
	e.say("%s: %s", what, hint)
	e.problems = append(e.problems, manifest.Problem{App: e.app.Name, Source: e.app.Source, Message: what + ", which no field has", Hint: hint})
}

// nameForm are the names that postBuild.values may have.
var nameForm = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)

// postBuild puts the data of ConfigMaps that the revision makes among the values, over which
// those that are written in place win, and those of Secrets that go over them. The values of
// Secrets are read from the cluster; first says what to do where they are not there yet.
func (e *explanation) postBuild(first func(appfile.ValuesFrom) []string) {
	post := &e.app.PostBuild
	post.Values = maps.Clone(post.Values)
	var kept []appfile.ValuesFrom // the last one first
	over, all := map[string]bool{}, true
	for _, from := range slices.Backward(post.From) {
		if !all || from.Data == nil || from.Secret || from.Kind == manifest.SecretKind.Kind || len(post.Values)+len(from.Data) > appfile.MaxList {
			all = all && from.Data != nil
			for key := range from.Data {
				over[key] = true
			}
			kept = append(kept, from)
			continue
		}
		if post.Values == nil {
			post.Values = map[string]string{}
		}
		for key, value := range from.Data {
			if _, has := post.Values[key]; !has && !over[key] && nameForm.MatchString(key) {
				post.Values[key] = value
			}
		}
		e.say("%s: values of ConfigMap %s/%s are those that the revision gives it", from.Source(), from.Namespace, from.Name)
	}
	slices.Reverse(kept)
	for i := range kept {
		if kept[i].Data != nil {
			e.comments = append(e.comments, first(kept[i])...)
		}
		kept[i].Data = nil
	}
	post.From = kept
}

// values takes out the values of Secrets.
func (e *explanation) values() {
	e.openValues(&e.app.Helm)
	e.app.Sources = slices.Clone(e.app.Sources)
	for i := range e.app.Sources {
		e.openValues(&e.app.Sources[i].Helm)
	}
}

func (e *explanation) openValues(helm *appfile.Helm) {
	all := helm.Values
	helm.Parameters = slices.Clone(helm.Parameters)
	var open []appfile.HelmValues
	for i, values := range all {
		if values.From != nil && len(open) > 0 && open[len(open)-1].From == nil {
			e.say("%s is written below helm.values, over which it goes in the object", values.From.Origin())
			e.problems = append(e.problems, manifest.Problem{
				App: e.app.Name, Source: values.From.Source(), Message: fmt.Sprintf("values of %s go over some that the revision makes", values.From.Origin()),
				Hint: "put them first under valuesFrom, or have the revision make all of them",
			})
		}
		if values.Secret {
			e.lack(fmt.Sprintf("entry %d of helm.values", i+1), "write it to a file that sops encrypts, and name the file there")
			continue
		}
		if values.At != "" {
			e.placed(helm, values, all[len(all)-1])
			continue
		}
		open = append(open, values)
	}
	helm.Values = open
}

// placed writes a value that belongs in a place as a parameter, which goes over all values. At the
// top of the values, those that are written in the object go over it.
func (e *explanation) placed(helm *appfile.Helm, values, written appfile.HelmValues) {
	var text string
	above := map[string]any{}
	if json.Unmarshal(values.Inline, &text) != nil {
		return
	}
	if !written.Beneath && json.Unmarshal(written.Inline, &above) == nil {
		if _, over := above[values.At]; over {
			return
		}
	}
	parameter := appfile.Parameter{Name: values.At, Value: text, Text: values.Text}
	for _, quote := range []string{`"`, `'`} {
		if strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) && !values.Text {
			parameter.Value, parameter.Text = strings.Trim(text, `'"`), true
		}
	}
	helm.Parameters = append(helm.Parameters, parameter)
}

// concealed stands for a text that is not shown.
const concealed = "(not shown)"

// conceal replaces texts that must not be shown in what is written in place.
func (e *explanation) conceal() {
	if len(e.app.Hidden) == 0 {
		return
	}
	found := false
	open := func(text string) string {
		if slices.ContainsFunc(e.app.Hidden, func(hidden string) bool { return hidden != "" && strings.Contains(text, hidden) }) {
			found = true
			return concealed
		}
		return text
	}
	pairs := func(texts map[string]string) map[string]string {
		texts = maps.Clone(texts)
		for key := range texts {
			texts[key] = open(texts[key])
		}
		return texts
	}
	build := func(k *appfile.Kustomize) {
		for _, list := range []*json.RawMessage{&k.Images, &k.Patches, &k.Components, &k.Replicas, &k.Labels} {
			*list = openJSON(*list, open)
		}
		k.CommonAnnotations = pairs(k.CommonAnnotations)
	}
	chart := func(h *appfile.Helm) {
		h.Values, h.Parameters, h.PostRender = slices.Clone(h.Values), slices.Clone(h.Parameters), slices.Clone(h.PostRender)
		for i := range h.Values {
			h.Values[i].Inline = openJSON(h.Values[i].Inline, open)
		}
		for i := range h.Parameters {
			h.Parameters[i].Value = open(h.Parameters[i].Value)
		}
		for i := range h.PostRender {
			build(&h.PostRender[i])
		}
	}
	build(&e.app.Kustomize)
	chart(&e.app.Helm)
	for i := range e.app.Sources {
		build(&e.app.Sources[i].Kustomize)
		chart(&e.app.Sources[i].Helm)
	}
	post := &e.app.PostBuild
	post.Values, post.Labels, post.Annotations = pairs(post.Values), pairs(post.Labels), pairs(post.Annotations)
	if found {
		e.lack("each value that is "+concealed, "write it to a file that sops encrypts, or to a Secret of the cluster")
	}
}

// openJSON replaces texts in JSON. What is no JSON is left out.
func openJSON(text json.RawMessage, open func(string) string) json.RawMessage {
	if len(text) == 0 {
		return text
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	var walk func(any) any
	walk = func(value any) any {
		switch v := value.(type) {
		case string:
			return open(v)
		case json.Number:
			if opened := open(v.String()); opened != v.String() {
				return opened
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for key := range v {
				v[key] = walk(v[key])
			}
		}
		return value
	}
	opened, err := json.Marshal(walk(value))
	if err != nil {
		return nil
	}
	return opened
}
