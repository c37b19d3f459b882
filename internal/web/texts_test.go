package web

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/view"
)

// fill sets every text of a value to what text returns for its place in the value, and
// every number to 1: one element of each list, and what each pointer points to.
func fill(v reflect.Value, place string, text func(place string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text(place))
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Bool:
		v.SetBool(!strings.HasSuffix(place, ".Old")) // those are left out
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), place, text)
	case reflect.Slice:
		if strings.Count(place, ".Children") < 2 { // a tree has an end
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), place, text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Now().Add(-time.Hour)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), place+"."+v.Type().Field(i).Name, text)
			}
		}
	}
}

// filled is a value of which every text is as text says.
func filled[T any](place string, text func(place string) string) T {
	var value T
	fill(reflect.ValueOf(&value).Elem(), place, text)
	return value
}

// render makes every page that shows what others have written, for somebody who is logged
// in, or for everybody.
func (h *house) render(t *testing.T, loggedIn bool, text func(place string) string) map[string]string {
	t.Helper()
	q := url.Values{"q": {""}, "to": {text("query.to")}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+q.Encode(), nil)
	v := &visit{door: h.Door, r: r, now: time.Now()}
	f := frame{Title: text("title")}
	if loggedIn {
		v.session = &session{operator: text("operator"), csrf: "proof", fill: func(s string) string { return s }}
		f.Operator, f.CSRF = v.session.operator, v.session.csrf
		f.News = &news{Title: text("news.title"), Lines: []string{text("news.line")}}
	}
	status := filled[deploy.Status]("status", text)
	status.Sync = deploy.NotSynced // so that the message of the last deploy counts
	r1 := filled[record.Record]("record", text)
	v.app = status
	if !loggedIn {
		v.app, r1 = publicStatus(status), publicRecord(r1)
	}
	app := v.appPage(filled[deploy.Tree]("tree", text), filled[deploy.Drift]("drift", text),
		[]view.Finding{filled[view.Finding]("finding", text)}, []record.Record{filled[record.Record]("record", text)})
	happened := filled[event.Event]("happened", text)
	happened.App = v.app.App
	app.Around = v.around(filled[deploy.Ties]("ties", text), []event.Event{happened})
	app.Around.Needs, app.Around.NeededBy = []deploy.Status{filled[deploy.Status]("needs", text)}, []deploy.Status{filled[deploy.Status]("needed", text)}
	object := objectPage{App: v.app, Everyone: !loggedIn, Path: "/object"}
	nodes := filled[deploy.Tree]("tree", text).Objects
	if !loggedIn {
		nodes = publicNodes(nodes)
	}
	for _, node := range nodes {
		object.Object = branchOf("shop", node, true)
		object.Above = []branch{branchOf("shop", node, false)}
	}
	pages := map[string]any{
		"overview": v.overview([]*card{newCard(status, 0)}),
		"app":      app,
		"object":   object,
		"deploy":   deployPage{ID: "shop-1", App: v.app, Record: r1, Everyone: !loggedIn, Course: courseOf(r1.Stages)},
		"trouble":  trouble{What: text("what"), Hint: text("hint")},
	}
	if loggedIn {
		pages["deploy"] = deployPage{
			ID: text("id"), App: v.app, Record: r1, Lines: []string{text("line")}, Changes: []view.Object{filled[view.Object]("change", text)},
			Against: text("against"), Can: actions()[:1], Course: courseOf(r1.Stages),
			Hooks: map[string]hookLinks{r1.Hooks[0].Key: {Object: objectPath("shop", manifest.ID{Name: text("hook")}), Logs: logsPath("shop", text("hook"))}},
		}
		pages["action"] = question{
			App: v.app, Action: actions()[2], Says: text("says"), Plan: []string{text("plan")}, To: text("query.to"),
			Objects: []string{text("object")}, Typed: text("typed"),
		}
		object.Causes, object.Unseen, object.Drift = []string{text("cause")}, text("unseen"), []deploy.Deviation{filled[deploy.Deviation]("deviation", text)}
		object.Fields, object.Events = []view.Field{filled[view.Field]("field", text)}, []deploy.Occurrence{filled[deploy.Occurrence]("occurrence", text)}
		answered := filled[why]("why", text)
		answered.Value = text("why.Value")
		object.Field, object.Why, object.Said, object.Logs = text("asked"), &answered, []string{text("said")}, logsPath("shop", text("object"))
		pages["object"] = object
		app.Changed = &lastChange{Deploy: text("id"), Objects: []view.Object{filled[view.Object]("change", text)}}
		app.Logs = "/"
		pages["app"] = app
		pages["logs"] = logsPage{App: v.app, Object: text("object"), Container: text("container"), Objects: []string{text("object")}, Lines: []string{text("line")}, Live: "/"}
		pages["task"] = taskPage{App: v.app.App, Title: text("title"), Path: "/task", Lines: []string{text("line")}, GoesOn: true}
		pages["server"] = serverPage{
			Clusters: []clusterPart{filled[clusterPart]("cluster", text)}, Examined: true, Findings: []doctor.Finding{filled[doctor.Finding]("finding", text)}, Said: []string{text("said")},
		}
		pages["audit"] = auditPage{Since: text("since"), Operator: text("operator"), App: text("app"), Events: []audit.Event{filled[audit.Event]("event", text)}}
		answer := filled[explained]("explained", text)
		pages["access"] = accessPage{Who: text("who"), Repo: text("repo"), Branch: text("branch"), Repos: []string{text("repos")}, Answer: &answer, Said: []string{text("said")}}
		pages["repository"] = repositoryPage{
			Name: text("name"), Apps: []deploy.Status{status}, Branches: []branchRow{filled[branchRow]("branch", text)}, Commits: []commitRow{filled[commitRow]("commit", text)}, Refused: []refusal.Brief{filled[refusal.Brief]("refusal", text)},
		}
		refused := filled[refusal.Refusal]("refused", text)
		pages["refused"] = refusedPage{Refusal: refused, Files: filesOf(refused.Problems, func(s string) string { return s }), Typed: text("typed")}
		list := filled[listing]("files", text)
		list.Kind, list.Unshown = "file", ""
		pages["files"] = filesPage{listing: list, Above: []crumb{filled[crumb]("crumb", text)}, Runs: []lineRun{filled[lineRun]("run", text)}}
		pages["cluster"] = clusterPage{
			State: filled[fleet.State]("cluster", text), Label: []string{text("label")},
			Statuses: []deploy.Status{status}, Running: []deploy.Status{status}, Waiting: []deploy.Status{status},
		}
		pages["login"] = offer{Operator: text("operator"), Fingerprint: text("key"), Token: text("token")}
	}
	written := map[string]string{}
	for name, body := range pages {
		var out bytes.Buffer
		f.Body, f.Self, f.Now = body, r.URL.RequestURI(), v.now
		if err := h.pages[name].ExecuteTemplate(&out, "layout", f); err != nil {
			t.Fatal(err)
		}
		written[name] = out.String()
	}
	return written
}

// place matches a text that tells from where it is.
var place = regexp.MustCompile(`~[A-Za-z.]+~`)

// places lists where the texts of pages are from.
func places(pages map[string]string) map[string]bool {
	found := map[string]bool{}
	for _, page := range pages {
		for _, match := range place.FindAllString(page, -1) {
			found[strings.Trim(match, "~")] = true
		}
	}
	return found
}

// TestEverybodyIsToldLittle: of whatever could be told of apps and deploys, those who are
// not logged in see these texts, and no other: no message, no value, nothing of a container.
func TestEverybodyIsToldLittle(t *testing.T) {
	public := []string{
		"status.App", "status.Repo", "status.Branch", "status.Path", "status.Cluster", "status.Revision", "status.Health", "status.Running",
		"status.Schedule", "status.Sick.Object", "status.Found.Object", "status.Found.What", "status.Outage.Cluster", "status.Suspension.By",
		"status.Last.App", "status.Last.Operator", "status.Last.Result",
		"record.App", "record.Repo", "record.Branch", "record.Revision", "record.Cluster", "record.Cause", "record.Operator", "record.Result", "record.Cancelled", "record.Stages.Name",
		"tree.Objects.Object", "tree.Objects.Health", "tree.Objects.Children.Object", "tree.Objects.Children.Health",
		"tree.Objects.ID.Kind", "tree.Objects.ID.Namespace", "tree.Objects.ID.Name", "tree.Objects.ID.Group", "tree.Objects.Children.ID.Kind",
		"tree.Objects.Children.ID.Namespace", "tree.Objects.Children.ID.Name", "tree.Objects.Children.ID.Group", // in addresses
		"drift.Deviations.Object", "drift.Deviations.What", "drift.Setting", "drift.Left",
		"needs.App", "needs.Sync", "needs.Health", "needed.App", "needed.Sync", "needed.Health",
		"finding.Deploy", "finding.Object", "finding.What", "finding.Result", "title", "what", "hint", "query.to", // their own
	}
	h := newHouse(t, nil)
	mark := func(place string) string { return "~" + place + "~" }
	told := places(h.render(t, false, mark))
	for _, place := range slices.Sorted(maps.Keys(told)) {
		if !slices.Contains(public, place) {
			t.Errorf("everybody sees %s", place)
		}
	}
	all := places(h.render(t, true, mark))
	for _, place := range []string{
		"status.Sick.State", "status.Sick.Cause", "status.Trouble", "status.Last.Message", "status.Forbidden", "status.Suspension.Reason", "status.Outage.Error",
		"tree.Objects.Message", "tree.Partial", "drift.Deviations.Fields.Found", "drift.Deviations.Fields.Wanted", "drift.Unseen",
		"finding.Fields.Found", "record.Message", "record.Hooks.Message", "record.Hooks.Printed", "record.Override", "record.Stages.Waits.For", "line", "change.Fields.After",
		"ties.Windows.Text", "ties.Windows.Reason", "happened.Text", "field.After", "occurrence.Note", "deviation.Fields.Found", "why.Value", "why.Causes.Text", "cause",
	} {
		if told[place] || !all[place] {
			t.Errorf("%s is told everybody: %v; those who are logged in: %v", place, told[place], all[place])
		}
	}
}

// TestEverybodySeesNoSecrets: a Secret is not even named.
func TestEverybodySeesNoSecrets(t *testing.T) {
	h := newHouse(t, nil)
	secret := func(string) string { return "Secret shop/token" }
	for name, page := range h.render(t, false, func(place string) string {
		if strings.HasSuffix(place, ".Object") || strings.HasSuffix(place, ".Left") || strings.HasSuffix(place, ".Drift") {
			return secret(place)
		}
		return "x"
	}) {
		if strings.Contains(page, "Secret shop/token") {
			t.Errorf("%s names a Secret", name)
		}
	}
}

// attacks are texts that people have got into pages elsewhere.
var attacks = []string{
	`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `" onmouseover="alert(1)`,
	`' onfocus='alert(1)' autofocus='`, "` onclick=`alert(1)", `javascript:alert(1)`, "java\nscript:alert(1)", ` javascript:alert(1)`, `data:text/html,<script>alert(1)</script>`,
	`</pre></title></textarea><svg onload=alert(1)>`, `--><script>alert(1)</script><!--`, `]]><x>`, `&lt;script&gt;`, `&#34;&#62;<b>`, `{{.CSRF}}`, "\x00<b>", `//evil.example/`, `\\evil.example`,
	`" hx-get="//evil.example/" hx-trigger="load`, `<base href=//evil.example/>`, `<meta http-equiv=refresh content=0;url=//evil.example>`,
}

// TestTextsStayTexts: what others have written changes nothing about a page but its text:
// the page has the same elements with the same attributes as with harmless words, and no
// address that leads elsewhere.
func TestTextsStayTexts(t *testing.T) {
	h := newHouse(t, nil)
	for _, loggedIn := range []bool{true, false} {
		harmless := h.render(t, loggedIn, func(string) string { return "word" })
		for _, attack := range attacks {
			for name, page := range h.render(t, loggedIn, func(string) string { return attack }) {
				if got, want := shape(t, page), shape(t, harmless[name]); got != want {
					t.Errorf("%s is another page with %q:\n%s", name, attack, firstDifference(got, want))
				}
			}
		}
	}
}

// addresses are the attributes that lead somewhere.
var addresses = []string{"href", "src", "action", "hx-get", "hx-sse:connect", "formaction", "poster", "data", "xlink:href"}

// shape is a page without its texts, a line for each element. It fails for addresses that
// lead elsewhere.
func shape(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		line := node.Data
		for _, a := range node.Attr {
			line += " " + a.Key
			if value := strings.TrimSpace(a.Val); slices.Contains(addresses, a.Key) &&
				(!strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "#") || strings.HasPrefix(value, "//") || strings.HasPrefix(value, `/\`)) {
				t.Errorf("<%s %s=%q> leads elsewhere", node.Data, a.Key, a.Val)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "<" + a[i] + ">, not <" + b[i] + ">"
		}
	}
	return "it has another number of elements"
}
