package web

import (
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/view"
)

// Limits of what one page shows of an object.
const (
	maxFields      = 400
	maxOccurrences = 30
)

// objectPage is the page of an object.
type objectPage struct {
	App      deploy.Status
	Object   branch
	Path     string
	Above    []branch // its owners, from the app down
	Causes   []string // why it is not healthy
	Drift    []deploy.Deviation
	Unseen   string       // why not all of the drift is known
	Fields   []view.Field // as they were last applied from Git; After has the value
	More     int          // how many more there are
	Made     bool         // a controller has made it: Git knows nothing of it
	Events   []deploy.Occurrence
	NoEvents string // why there are none to see
	Logs     string // the address of its logs; "": it has none, or they are not for the visitor
	Everyone bool

	Field string // that the visitor asks about; "": none
	Why   *why
	Said  []string // instead of Why
}

// why is the answer of the verb why.
type why struct {
	Object, Field string
	Value         any
	Causes        []struct {
		File                          string
		Line                          int
		Text, Gives, From             string
		Commit, Author, When, Subject string
	}
}

// showObject shows one object of an app.
func showObject(v *visit) error {
	since := sumText(sumOf(v.app)) // before anything is found out
	p, err := v.objectPage()
	if err != nil {
		return err
	}
	f := frame{Title: p.Object.Object, Section: "overview", Live: "/apps/" + string(v.app.App) + "/live?since=" + since, Body: p}
	return v.show("object", f)
}

// objectPage gathers what there is to know of the object of the address.
func (v *visit) objectPage() (objectPage, error) {
	ctx := v.r.Context()
	p := objectPage{App: v.app, Everyone: v.everybody()}
	id := idIn(v.r.PathValue("kind"), v.r.PathValue("namespace"), v.r.PathValue("object"))
	tree, _ := v.door.Apps.Engine.Tree(ctx, v.app.App)
	if v.everybody() {
		tree.Objects = publicNodes(tree.Objects)
	}
	path := pathTo(tree.Objects, id)
	if path == nil {
		return p, errNotFound
	}
	node := path[len(path)-1]
	p.Object, p.Made = branchOf(v.app.App, node, true), len(path) > 1
	p.Path = p.Object.Path
	for _, above := range path[:len(path)-1] {
		p.Above = append(p.Above, branchOf(v.app.App, above, false))
	}
	drift, _ := v.door.Apps.Engine.Drift(ctx, v.app.App, true)
	if v.everybody() {
		drift = publicDrift(drift)
	}
	for _, d := range drift.Deviations {
		if d.Object == node.Object {
			p.Drift = append(p.Drift, d)
		}
	}
	if v.everybody() {
		return p, nil
	}
	if len(p.Drift) > 0 {
		p.Unseen = drift.Unseen
	}
	return p, v.fillObject(&p, id)
}

// fillObject adds what is only for those who are logged in: values, events and logs.
func (v *visit) fillObject(p *objectPage, id manifest.ID) (err error) {
	ctx := v.r.Context()
	if p.Object.Health != "healthy" {
		v.door.Apps.Engine.Explain(ctx, &v.app)
		for _, symptom := range v.app.Sick {
			if symptom.Object == p.Object.Object && symptom.Cause != "" {
				p.Causes = append(p.Causes, symptom.Cause)
			}
		}
	}
	if !p.Made {
		if p.Fields, p.More, err = v.fieldsOf(id); err != nil {
			return err
		}
	}
	if p.Object.Health != deploy.MissingHealth {
		p.Events, p.NoEvents = v.door.Apps.Engine.Occurrences(ctx, v.app.App, id)
		p.Events = p.Events[:min(len(p.Events), maxOccurrences)]
	}
	if v.allows(access.ReadLogs, v.app) && (p.Object.RunsPods() || len(deploy.Pods(p.Object.Children)) > 0) {
		p.Logs = logsPath(v.app.App, logName(id))
	}
	return nil
}

// fieldsOf lists the fields of an object as it was last applied from Git, with their values as
// plans show them: those of Secrets masked.
func (v *visit) fieldsOf(id manifest.ID) (fields []view.Field, more int, err error) {
	text, ok, err := v.door.Apps.History.Manifest(v.r.Context(), v.app.Repo, v.app.App, id)
	if err != nil || !ok {
		return nil, 0, err
	}
	var object map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		return nil, 0, err
	}
	fields = view.FieldsOf(object)
	fields = slices.DeleteFunc(fields, func(f view.Field) bool { return strings.Contains(f.Path, "applyset.kubernetes.io/part-of") })
	if more = len(fields) - maxFields; more > 0 {
		return fields[:maxFields], more, nil
	}
	return fields, 0, nil
}

// pathTo is the way to an object in a tree, from the one at the top down to itself; nil if it
// is not there.
func pathTo(nodes []deploy.Node, id manifest.ID) []deploy.Node {
	for _, node := range nodes {
		if node.ID == id {
			return []deploy.Node{node}
		}
		if below := pathTo(node.Children, id); below != nil {
			return append([]deploy.Node{node}, below...)
		}
	}
	return nil
}

// logName is an object as the verbs take it.
func logName(id manifest.ID) string {
	if id.Namespace == "" {
		return id.Kind + "/" + id.Name
	}
	return id.Kind + "/" + id.Namespace + "/" + id.Name
}

// exactName is logName with the kind's group, so that no other kind is meant.
func exactName(id manifest.ID) string {
	id.Kind += "." + id.Group
	return logName(id)
}

// maxField bounds the path of a field that somebody asks about, in bytes.
const maxField = 500

// showWhy shows an object with the lines of Git that decide one of its fields. The verb finds
// them by rendering the app again and again, so a session asks one question at a time.
func showWhy(v *visit) error {
	p, err := v.objectPage()
	if err != nil {
		return err
	}
	field := strings.TrimSpace(v.r.URL.Query().Get("field"))
	if field == "" || len(field) > maxField {
		return errNotFound
	}
	p.Field = field
	id := p.Object.ID
	if p.Said, err = v.asksWhy(&p, id, field); err != nil {
		return err
	}
	return v.show("object", frame{Title: field + " of " + p.Object.Object, Section: "overview", Body: p})
}

func (v *visit) asksWhy(p *objectPage, id manifest.ID, field string) (said []string, err error) {
	for _, room := range []struct {
		trials chan struct{}
		whose  string
	}{{v.session.trials, "Another question of yours is"}, {v.door.trials, "Questions of others are"}} {
		select {
		case room.trials <- struct{}{}:
			defer func() { <-room.trials }()
		default:
			return []string{room.whose + " being looked into; ask again in a few seconds."}, nil
		}
	}
	for _, spelled := range spellings(id, field) {
		answer := &why{}
		said, err = v.asks(answer, []string{"why"}, string(v.app.App), exactName(id), spelled)
		if err != nil || said == nil {
			p.Why = answer
			break
		}
	}
	return said, err
}

// spellings are the ways in which Git may have a field. Text of a Secret (stringData) is
// applied as data.
func spellings(id manifest.ID, field string) []string {
	if rest, ok := strings.CutPrefix(field, "data"); ok && id.GroupKind() == manifest.SecretKind {
		return []string{"stringData" + rest, field}
	}
	return []string{field}
}
