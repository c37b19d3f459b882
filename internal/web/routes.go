package web

import (
	"errors"
	"net/http"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

// need is what a route takes. The zero need is nobody's.
type need struct {
	right access.Right
	about about
	// people says that it is for those who are logged in: not for everybody, whatever
	// everybody may look at.
	people bool
}

// about is what a route's right is about.
type about int

const (
	nothing    about = iota
	eachOne          // what the page lists; it leaves out what the visitor may not see
	oneApp           // the app of {app}
	oneDeploy        // the app of {deploy}, a deploy's name
	oneRepo          // the repository of {repo}
	oneRefusal       // the refused push of {refusal}
	theServer
)

// The rights of routes that show nothing of apps.
const (
	open     access.Right = "open the door" // everybody, also before they are logged in
	loggedIn access.Right = "log in"        // whoever is logged in
)

// route is a row of the table.
type route struct {
	method, path string
	need         need
	serve        func(v *visit) error
	stream       bool       // it lasts as long as the visitor stays, or says
	api          *operation // of the API; nil: it is of the pages
}

// objectRoute is the address of an object, see objectPath.
const objectRoute = "/apps/{app}/objects/{kind}/{namespace}/{object}"

// routes returns the table. Whatever the door serves is in it, but for the probes, which
// package server answers.
func routes() []route {
	look := func(on about) need { return need{right: access.ReadDeploys, about: on} }
	act := func(right access.Right) need { return need{right: right, about: oneApp, people: true} }
	table := []route{
		{method: "GET", path: "/static/{file}", need: need{right: open}, serve: asset},
		{method: "GET", path: loginPath + "{token}", need: need{right: open}, serve: showLogin},
		{method: "POST", path: "/login", need: need{right: open}, serve: logIn},
		{method: "POST", path: hookPath + "{repo...}", need: need{right: open}, serve: hearHook}, // which proves that it knows a secret
		{method: "POST", path: "/logout", need: need{right: loggedIn, people: true}, serve: logOut},
		{method: "GET", path: "/help", need: need{right: loggedIn}, serve: showHelp},
		{method: "GET", path: "/server", need: need{right: access.ReadServer, about: theServer, people: true}, serve: showServer},
		{method: "GET", path: "/audit", need: need{right: access.ReadAudit, about: theServer, people: true}, serve: showAudit},
		{method: "GET", path: "/access", need: need{right: loggedIn, people: true}, serve: showAccess}, // of others, the verb asks for more
		{method: "GET", path: "/repos/{repo...}", need: need{right: access.ReadRepo, about: oneRepo, people: true}, serve: showRepository},
		{method: "GET", path: "/files/{repo...}", need: need{right: access.ReadRepo, about: oneRepo, people: true}, serve: showFiles},
		{method: "GET", path: refusedPath + "{refusal}", need: need{right: access.ReadDeploys, about: oneRefusal, people: true}, serve: showRefusal},
		{method: "GET", path: "/clusters/{cluster}", need: need{right: access.ReadServer, about: theServer, people: true}, serve: showCluster},
		{method: "GET", path: "/{$}", need: look(eachOne), serve: showOverview},
		{method: "GET", path: "/live", need: look(eachOne), serve: streamMoves, stream: true},
		{method: "GET", path: "/apps/{app}", need: look(oneApp), serve: showApp},
		{method: "GET", path: "/apps/{app}/live", need: look(oneApp), serve: streamMoves, stream: true},
		{method: "GET", path: objectRoute, need: look(oneApp), serve: showObject},
		{method: "GET", path: objectRoute + "/why", need: act(access.ReadDeploys), serve: showWhy},
		{method: "GET", path: "/apps/{app}/logs", need: act(access.ReadLogs), serve: showLogs},
		{method: "GET", path: "/apps/{app}/logs/live", need: act(access.ReadLogs), serve: streamLogs, stream: true},
		{method: "GET", path: "/apps/{app}/tasks/{task}", need: act(access.ReadDeploys), serve: showTask},
		{method: "GET", path: "/apps/{app}/tasks/{task}/live", need: act(access.ReadDeploys), serve: streamTask, stream: true},
		{method: "GET", path: "/deploys/{deploy}", need: look(oneDeploy), serve: showDeploy},
		{method: "GET", path: "/deploys/{deploy}/live", need: look(oneDeploy), serve: streamLines, stream: true},
	}
	for _, a := range actions() {
		table = append(table,
			route{method: "GET", path: "/apps/{app}/" + a.Verb, need: act(a.Right), serve: a.ask},
			route{method: "POST", path: "/apps/{app}/" + a.Verb, need: act(a.Right), serve: a.do})
	}
	return append(table, apiRoutes()...)
}

// router makes a handler of the table.
func (d *Door) router() http.Handler {
	mux := http.NewServeMux()
	for _, row := range routes() {
		serve := func(w http.ResponseWriter, r *http.Request) { d.serve(row, w, r) }
		if !row.stream {
			serve = within(serve)
		}
		mux.HandleFunc(row.method+" "+row.path, serve)
		if row.isPage() {
			d.ways.HandleFunc(row.method+" "+row.path, serve)
		}
	}
	d.routeOthers(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(w, r)
		v.fail(errNotFound)
	})
	return mux
}

// errNotFound is what a visitor hears of what is not there, and of what they may not see.
var errNotFound = errors.New("there is no such page")

// errForm is the refusal of a form that did not come from a page of the visitor's session.
var errForm = errors.New("the form is from an earlier session")

// serve answers a request for a route, if the visitor may have that.
func (d *Door) serve(row route, w http.ResponseWriter, r *http.Request) {
	if row.api != nil {
		d.serveAPI(row, w, r)
		return
	}
	v := d.visit(w, r)
	v.right = row.need.right
	err := v.may(row.need)
	if err == nil && r.Method == http.MethodPost && row.need.right != open {
		err = v.checkForm()
	}
	if err == nil {
		err = row.serve(v)
	}
	if err != nil {
		v.fail(err)
	}
}

// may decides whether the visitor may have a route, and finds what it is about.
func (v *visit) may(n need) error {
	switch {
	case n.right == open:
		return nil
	case v.session == nil && (n.people || v.caller.Operator == ""):
		return errLogIn
	case n.right == loggedIn:
		return nil
	}
	switch n.about {
	case oneDeploy:
		app, number, err := record.ParseDeployID(v.r.PathValue("deploy"))
		if err != nil {
			return errNotFound
		}
		v.number = number
		return v.mayOn(n.right, app)
	case oneApp:
		app, err := name.ParseApp(v.r.PathValue("app"))
		if err != nil {
			return errNotFound
		}
		return v.mayOn(n.right, app)
	case oneRepo:
		repo, err := name.ParseRepo(v.r.PathValue("repo"))
		if err != nil || !v.door.Apps.Policy.Allows(v.caller, n.right, access.Subject{Repo: repo}) {
			return errNotFound
		}
		v.repo = repo
		return nil
	case oneRefusal:
		b, ok := v.door.Refusals.Brief(v.r.PathValue("refusal"))
		if !ok || !view.SeesRefusal(v.door.Apps.Policy, v.caller, b) {
			return errNotFound
		}
		return nil
	case theServer:
		return v.judge(n.right, access.Subject{}, "")
	case eachOne:
		return nil // the page asks for each
	}
	return errNotFound
}

// mayOn decides about an app. Whoever may not see it hears what they would hear if it were
// not there.
func (v *visit) mayOn(right access.Right, app name.App) error {
	status, ok := v.door.Apps.Seen(v.caller, app)
	if !ok {
		return errNotFound
	}
	if v.app = status; v.everybody() {
		v.app = publicStatus(status)
	}
	return v.judge(right, view.SubjectOf(status), status.App)
}

// judge decides, and has a refusal on the audit trail. app is "" for what is about none.
func (v *visit) judge(right access.Right, on access.Subject, app name.App) error {
	decision, err := v.door.Apps.Policy.Judge(v.caller, right, on)
	if err != nil {
		e := audit.Of(audit.Verb, v.caller)
		e.Verb, e.Repository, e.App, e.Ref = right.Verb(), string(on.Repo), string(app), on.Ref
		e.Rule, e.Decision, e.Reason = decision.Rule, audit.Refused, err.Error()
		v.door.Trail.NoteLimited(e.Operator, e)
	}
	return err
}

// allowsOnServer is allows for what is about the server.
func (v *visit) allowsOnServer(right access.Right) bool {
	return v.session != nil && v.door.Apps.Policy.Allows(v.caller, right, access.Subject{})
}

// allows reports whether the visitor has a right on an app, for pages that leave out what
// they do not have.
func (v *visit) allows(right access.Right, status deploy.Status) bool {
	return v.session != nil && v.door.Apps.Policy.Allows(v.caller, right, view.SubjectOf(status))
}
