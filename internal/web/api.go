package web

import (
	"net/http"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
)

// This file has the routes of the API. Each is a verb: it runs as if whoever has the token had
// typed it, and its JSON is the answer. So rights, guards and the audit trail are the verb's,
// and its schema is the one of ssh HOST schema.

// apiPath begins the paths of the API. What is promised of it is promised of the verbs' JSON.
const apiPath = "/api/v1"

// isAPI reports whether a request is one to the API, or was meant to be.
func isAPI(r *http.Request) bool {
	return r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/")
}

// operation is what the API knows of a route.
type operation struct {
	id     string   // that programs are generated with
	what   string   // one line
	verb   string   // that answers; "": none does, see serve
	part   int      // which of the verb's schemas it is, where there are several
	flags  []string // that the verb always gets
	params []param  // of the query, or of the body of an action
	pages  paging
	tag    string
	// within is the verb's own flag with which it does not wait for its end; "": it has none.
	within string
	// follows says that it can be a stream.
	follows bool
}

// kind is the type of a parameter.
type kind string

const (
	text   kind = "string"
	number kind = "integer"
	yesNo  kind = "boolean"
)

// param is a parameter of an operation.
type param struct {
	name string
	kind kind
	what string
	flag string // of the verb, that it becomes; "": its next word
	must bool
	most int // of a number
	// ours says that the API itself uses it, and the verb does not get it.
	ours bool
}

// paging says how a list is cut into pages.
type paging struct {
	// key is what elements are sorted by: the last one of a page is the cursor of the next.
	key string
	// by is the parameter with the cursor: the verb's own if it has one.
	by string
	// cut says that the list is cut here, since the verb prints all of it.
	cut bool
	// oldest says that the verb has the oldest first, of which the cursor is made.
	oldest bool
}

// Limits of pages.
const (
	usualPage = 100
	maxPage   = 1000
)

// A list that is cut here, by a key.
func byKey(key string) paging { return paging{key: key, by: "after", cut: true} }

func pageParams(key string) []param {
	return []param{
		{name: "limit", kind: number, what: "how many to answer with; 100 if left out", most: maxPage, ours: true},
		{name: "after", kind: text, what: "only those after this one, by " + key + "; the header Link has the address of the next page", ours: true},
	}
}

// apiRoutes are the rows of the API in the table of routes.
func apiRoutes() []route {
	table := []route{
		{method: "GET", path: apiPath + "/openapi.json", need: need{right: open}, api: &operation{id: "getOpenAPI", what: "this document", tag: "server"}, serve: showOpenAPI},
	}
	for _, rows := range [][]route{appReads(), repoReads(), serverReads(), apiActions()} {
		for _, row := range rows {
			if row.path = apiPath + row.path; row.serve == nil {
				row.serve = answerVerb
			}
			table = append(table, row)
		}
	}
	return table
}

func get(path string, right access.Right, on about, op operation) route {
	return route{method: "GET", path: path, need: need{right: right, about: on}, api: &op}
}

func events(path string, on about, id, what string) route {
	row := get(path, access.ReadDeploys, on, eventsOperation(id, what))
	row.serve, row.stream = answerEvents, true
	return row
}

// appReads show apps and deploys.
func appReads() []route {
	look := access.ReadDeploys
	return []route{
		get("/apps", look, eachOne, operation{id: "listApps", what: "the apps, and how they are", verb: "status", tag: "apps", pages: byKey("app"), params: pageParams("app")}),
		get("/apps/{app}", look, oneApp, operation{id: "getApp", what: "one app, in a list of one", verb: "status", tag: "apps"}),
		get("/apps/{app}/tree", look, oneApp, operation{id: "getTree", what: "its objects down to pods", verb: "tree", tag: "apps"}),
		get("/apps/{app}/drift", look, oneApp, operation{id: "getDrift", what: "how it differs from Git, and did lately", verb: "drift", tag: "apps"}),
		get("/drift", look, eachOne, operation{id: "listDrift", what: "how apps differ from Git, and did lately", verb: "drift", tag: "apps", pages: byKey("app"), params: pageParams("app")}),
		get("/apps/{app}/diff", look, oneApp, operation{
			id: "getDiff", what: "what changed from one deploy or revision to another", verb: "diff", tag: "apps",
			params: []param{{name: "between", kind: text, what: "A..B, or one of them; the newest deploy that changed an object, if left out"}},
		}),
		get("/apps/{app}/plan", look, oneApp, operation{
			id: "getPlan", what: "what deploying a revision would change; nothing is changed", verb: "plan", tag: "apps",
			params: []param{{name: "revision", kind: text, what: "a branch, a tag or a commit; the app's branch, if left out"}},
		}),
		get("/apps/{app}/why", look, oneApp, operation{
			id: "getWhy", what: "which lines decide a field, and who wrote them", verb: "why", tag: "apps",
			params: []param{
				{name: "object", kind: text, what: "KIND/NAME or KIND/NAMESPACE/NAME", must: true},
				{name: "field", kind: text, what: "a path such as .spec.replicas", must: true},
			},
		}),
		get("/apps/{app}/values", look, oneApp, operation{id: "listValues", what: "the names of its generated values", verb: "secrets list", tag: "apps"}),
		get("/apps/{app}/deploys", look, oneApp, operation{
			id: "listDeploys", what: "its deploys, newest first", verb: "history", tag: "apps", pages: paging{key: "number", by: "before"},
			params: []param{
				{name: "limit", kind: number, what: "how many to answer with; 100 if left out", flag: "number", most: maxPage},
				{name: "before", kind: number, what: "only those before this number; the header Link has the address of the next page", flag: "before"},
			},
		}),
		events("/apps/{app}/events", oneApp, "listAppEvents", "what happened to it since the server's start, or a stream of it"),
		get("/deploys/{deploy}", look, oneDeploy, operation{id: "getDeploy", what: "one deploy that has ended", verb: "show", tag: "apps"}),
		events("/events", eachOne, "listEvents", "what happened since the server's start, or a stream of it"),
		get("/locks", look, eachOne, operation{id: "listLocks", what: "what is held now, since when and by whom", verb: "locks", tag: "apps"}),
		get("/orphans", access.ListOrphans, eachOne, operation{
			id: "listOrphans", what: "objects of a namespace that no app wants and nothing owns", verb: "orphans", tag: "apps",
			params: []param{
				{name: "namespace", kind: text, what: "where", must: true},
				{name: "cluster", kind: text, what: "on which cluster; default, if left out", flag: "cluster"},
			},
		}),
	}
}

// repoReads show repositories, and what somebody may do there.
func repoReads() []route {
	return []route{
		get("/repos", access.ReadRepo, eachOne, operation{id: "listRepositories", what: "the repositories", verb: "repo list", tag: "repositories", pages: byKey("name"), params: pageParams("name")}),
		get("/repos/{repo...}", access.ReadRepo, oneRepo, operation{id: "getRepository", what: "a repository's branches and apps", verb: "repo info", tag: "repositories"}),
		get("/files/{repo...}", access.ReadRepo, oneRepo, operation{
			id: "getFiles", what: "a folder or a file of a repository, and who deployed which line", verb: "repo files", tag: "repositories",
			params: []param{
				{name: "path", kind: text, what: "the folder or file; all, if left out"},
				{name: "branch", kind: text, what: "the branch; the main one, if left out", flag: "branch"},
			},
		}),
		get("/refused", access.ReadDeploys, eachOne, operation{id: "listRefused", what: "pushes that the gate has refused", verb: "refused", tag: "repositories", pages: byKey("id"), params: pageParams("id")}),
		get("/refused/{refusal}", access.ReadDeploys, oneRefusal, operation{id: "getRefused", what: "one of them, and why", verb: "refused", part: 1, tag: "repositories"}),
		get("/access/{repo...}", access.ReadRepo, oneRepo, operation{
			id: "explainAccess", what: "what somebody may do in a repository, and why; others than oneself take the role admin", verb: "access explain", tag: "repositories",
			params: []param{
				{name: "who", kind: text, what: "an operator", must: true},
				{name: "branch", kind: text, what: "on which branch; all, if left out"},
			},
		}),
	}
}

// serverReads show the server.
func serverReads() []route {
	return []route{
		get("/whoami", loggedIn, nothing, operation{id: "getCaller", what: "whose token it is, and what it is narrowed to", verb: "whoami", tag: "server"}),
		get("/server", access.ReadServer, theServer, operation{id: "getServer", what: "how the server is: clusters, queue, memory", verb: "status", part: 2, flags: []string{"--server"}, tag: "server"}),
		get("/clusters", access.ReadServer, theServer, operation{id: "listClusters", what: "the clusters", verb: "cluster list", tag: "server"}),
		get("/clusters/{cluster}", access.ReadServer, theServer, operation{id: "getCluster", what: "one cluster: its apps, watches and requests", verb: "cluster info", tag: "server"}),
		get("/receivers", access.ReadServer, theServer, operation{id: "listReceivers", what: "who is told what happens, and how that goes", verb: "notify list", tag: "server"}),
		get("/doctor", access.Examine, theServer, operation{id: "examineServer", what: "how the server itself is, and what to do about it", verb: "doctor", tag: "server"}),
		get("/audit", access.ReadAudit, theServer, operation{
			id: "listAudit", what: "lines of the audit trail: the newest, oldest first", verb: "audit", tag: "server", pages: paging{key: "seq", by: "before", oldest: true},
			params: []param{
				{name: "limit", kind: number, what: "how many to answer with; 100 if left out", flag: "number", most: maxPage},
				{name: "before", kind: number, what: "only lines before this one; the header Link has the address of the next page", flag: "before"},
				{name: "since", kind: text, what: "the first moment: a duration back, or a time", flag: "since"},
				{name: "operator", kind: text, what: "only what this operator did", flag: "operator"},
				{name: "app", kind: text, what: "only what is about this app", flag: "app"},
				{name: "until", kind: text, what: "the first moment that is not meant", flag: "until"},
				{name: "event", kind: text, what: "only lines of this kind", flag: "event"},
				{name: "decision", kind: text, what: "allowed, refused or planned", flag: "decision"},
				{name: "repository", kind: text, what: "only what is about this repository", flag: "repository"},
			},
		}),
	}
}

// apiActions change something: they are POST, and their parameters are the JSON of the body.
func apiActions() []route {
	act := func(verb string, right access.Right, what string, op operation) route {
		op.id, op.what, op.verb, op.tag = verb+"App", what, verb, "actions"
		return route{method: "POST", path: "/apps/{app}/" + verb, need: need{right: right, about: oneApp}, api: &op, serve: doVerb, stream: true}
	}
	deploying := []param{
		{name: "force", kind: yesNo, what: "delete and make anew objects whose immutable fields changed", flag: "force"},
		{name: "confirmPrune", kind: number, what: "the number of deletions to confirm", flag: "confirm-prune"},
		{name: "override", kind: text, what: "deploy although a window is closed, and record this reason", flag: "override"},
	}
	return []route{
		act("sync", access.Sync, "deploy the newest revision, also if it is deployed already", operation{within: "detach", params: deploying}),
		act("check", access.CheckApps, "compare with the cluster now, and correct drift", operation{
			params: []param{{name: "full", kind: yesNo, what: "check every object on the cluster, even if it seems unchanged", flag: "full"}},
		}),
		act("rollback", access.Rollback, "take the app back to an earlier revision", operation{
			within: "detach",
			// Without a goal, the verb takes the deploy before the newest: sent twice, it would
			// undo itself.
			params: append([]param{{name: "to", kind: text, what: "a deploy (41 or shop-41), a branch, a tag or a commit", must: true}}, deploying...),
		}),
		act("suspend", access.Suspend, "leave the app alone until it is resumed", operation{
			params: []param{
				{name: "reason", kind: text, what: "the reason, for other people", flag: "reason", must: true},
				{name: "until", kind: text, what: "when it ends by itself: a duration or a moment; never, if left out", flag: "until"},
			},
		}),
		act("resume", access.Resume, "end a suspension, and deploy what was pushed", operation{}),
		act("restart", access.Restart, "replace the pods of an object", operation{
			params: []param{
				{name: "object", kind: text, what: "KIND/NAME or KIND/NAMESPACE/NAME of a Deployment, StatefulSet or DaemonSet", must: true},
				{name: "override", kind: text, what: "restart although a window is closed, and record this reason", flag: "override"},
			},
		}),
		act("cancel", access.Cancel, "end the wait of a running deploy", operation{}),
		act("test", access.Test, "run the tests of the app's chart", operation{}),
	}
}

// notInAPI are the verbs with JSON that are no operation, each with the reason.
var notInAPI = map[string]string{
	"help": "the document says what there is", "apps": "as status", "web": "tokens open no pages", "web sessions": "they are of pages",
	"set": "a commit needs somebody who answers for it", "set-image": "a commit needs somebody who answers for it",
	"token create": "a token makes no others", "token list": "a token says nothing of others", "keys list": "a token says nothing of keys",
	"keys add": "keys are changed with keys", "keys expire": "keys are changed with keys", "repo mirror": "the rules are changed with keys", "repo alias": "the rules are changed with keys",
	"wait": "events tell it", "audit verify": "it reads the whole trail", "cluster test": "it asks much of a cluster", "notify test": "it is for whoever sets a receiver up",
}

// hasJSON reports whether the verb of an operation prints JSON.
func (op *operation) hasJSON() bool {
	_, ok := command.Schema(op.verb)
	return ok
}
