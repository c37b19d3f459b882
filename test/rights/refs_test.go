package rights

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
)

// operation is the change that a push makes to a ref.
type operation string

const (
	create  operation = "create"
	forward operation = "forward"
	force   operation = "force"
	remove  operation = "delete"
)

var operations = []operation{create, forward, force, remove}

// kind is a kind of ref, with the right that each operation on it needs; "": nobody may do
// it.
type kind struct {
	name    string
	repo    string
	ref     func(c caller, op operation) string
	needs   map[operation]access.Right
	options []string
}

// all gives the same right to every operation.
func all(right access.Right) map[operation]access.Right {
	return map[operation]access.Right{create: right, forward: right, force: right, remove: right}
}

// each returns a function that names a ref for each operation of each caller.
func each(prefix string) func(caller, operation) string {
	return func(c caller, op operation) string { return prefix + string(op) + "-" + c.name }
}

func always(ref string) func(caller, operation) string {
	return func(caller, operation) string { return ref }
}

// kinds are the kinds of refs. A branch that deploys cannot be rewritten or deleted; only
// the server writes records; and clients may not write HEAD and refs of other forms.
func kinds() []kind {
	deployed := map[operation]access.Right{create: access.Deploy, forward: access.Deploy, force: "", remove: ""}
	skip := []string{"skip"} // there is no cluster
	return []kind{
		{name: "a branch that deploys", repo: own, ref: deploying, needs: deployed, options: skip},
		{name: "a branch", repo: own, ref: each("refs/heads/draft/"), needs: all(access.PushRepo)},
		{name: "a tag", repo: own, ref: each("refs/tags/"), needs: all(access.PushRepo)},
		{name: "a note", repo: own, ref: each("refs/notes/"), needs: all(access.PushRepo)},
		{name: "HEAD", repo: own, ref: always("HEAD"), needs: all("")},
		{name: "a record", repo: own, ref: each("refs/pushboat/deploys/"), needs: all("")},
		{name: "a ref of another form", repo: own, ref: each("refs/for/"), needs: all("")},
		{name: "the rules", repo: rules, ref: always("refs/heads/main"), needs: map[operation]access.Right{forward: access.Administer}},
		{name: "a draft of rules", repo: rules, ref: each("refs/heads/draft/"), needs: all(access.Administer)},
		{name: "a hidden branch", repo: other, ref: each("refs/heads/draft/"), needs: all(access.PushRepo)},
		{name: "a branch of no repository", repo: none, ref: each("refs/heads/draft/"), needs: map[operation]access.Right{create: access.CreateRepo}},
	}
}

// deploying is a branch that deploys: a new one, or main.
func deploying(c caller, op operation) string {
	if op == create {
		return "refs/heads/" + live(c)
	}
	return "refs/heads/main"
}

// wantsOf returns the verdict for an operation by the table of rights, and whether the
// server moves the ref.
func (k kind) wantsOf(c caller, op operation) (v verdict, moves bool) {
	right := k.needs[op]
	at := place{repo: k.repo, ref: k.ref(c, op), path: appPath}
	if op == remove {
		at.path = "" // a deletion is about all files of the ref
	}
	switch {
	case !c.has(access.ReadRepo, at):
		return notFound, false
	case right == access.CreateRepo && !c.has(right, at), !c.has(access.PushRepo, place{repo: k.repo}):
		return denied, false // the caller may not push at all
	case right == "":
		return "", false // any other answer of Git or the server
	case !c.has(right, at):
		return denied, false
	}
	return allowed, true
}

// isTried reports whether an operation on a ref of this kind is a cell of the matrix.
// Operations are not verbs, so for callers with a single verb, given or withheld, a few
// cells suffice.
func (k kind) isTried(c caller, op operation) bool {
	_, possible := k.needs[op]
	return possible && (!c.single() || op == forward && (k.repo == own && k.needs[op] != "") || k.repo == none)
}

// stand is a repository during the test.
type stand struct {
	dir   string            // on the server
	chain []string          // commits, each a child of the one before; main is at chain[1]
	side  string            // another child of chain[0]
	refs  map[string]string // the refs as they should be
}

// TestRefs tries each operation on each kind of ref, as each caller.
func TestRefs(t *testing.T) {
	w := newWorld(t)
	stands := map[string]*stand{own: w.raise(own, w.home.Path(own)), other: w.raise(other, w.home.Path(other)), rules: w.raise(rules, w.home.Path("rules"))}
	stands[none] = stands[own]
	cells := 0
	for _, c := range w.callers {
		for _, k := range kinds() {
			for _, op := range operations {
				if k.isTried(c, op) {
					w.try(c, k, op, stands[k.repo])
					cells++
				}
			}
		}
		if !c.single() {
			w.trySeveral(c, stands[own])
		}
		w.hangUp(c)
		for repo, s := range stands {
			if repo != none {
				s.check(t, w, c)
			}
		}
	}
	t.Logf("%d cells", cells)
}

// raise pushes the commits that the cells need, and makes the refs that they change.
func (w *world) raise(repo, dir string) *stand {
	s := &stand{dir: w.home.Path("data", "repos", repo+".git"), refs: map[string]string{}}
	file := settingsFile
	if repo == rules {
		file = "README.md" // a file that is in no app
	}
	s.chain = w.commits(dir, "chain", file, len(w.callers)+1)
	s.side = w.commits(dir, "side", file, 1)[1]
	w.git(dir, "push", "-q", "origin", "chain:refs/heads/draft/chain", "side:refs/heads/draft/side")
	made := []update{{"refs/heads/main", s.chain[0], s.chain[1]}}
	for _, k := range kinds() {
		for _, c := range w.callers {
			for _, op := range []operation{forward, force, remove} {
				if k.repo == repo && k.isTried(c, op) && k.needs[op] != "" && k.ref(c, op) != "refs/heads/main" {
					made = append(made, update{k.ref(c, op), zero, s.chain[1]})
				}
			}
		}
	}
	for some := range slices.Chunk(made, 500) {
		var options []string
		if repo != rules {
			options = []string{"skip"}
		}
		said, err := push(w.client(w.callers[0]), repo, options, some...)
		w.must(err)
		if strings.Contains(said, "ng refs/") || !strings.Contains(said, "unpack ok") {
			w.t.Fatalf("make the refs of %s: %s", repo, said)
		}
	}
	s.refs = s.read(w)
	return s
}

// read reads the refs from the server's disk.
func (s *stand) read(w *world) map[string]string {
	refs := map[string]string{}
	for line := range strings.Lines(w.git(s.dir, "for-each-ref", "--format=%(refname) %(objectname)")) {
		ref, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(ref, "refs/pushboat/") {
			refs[ref] = hash
		}
	}
	return refs
}

// check compares the refs with those that should be there.
func (s *stand) check(t *testing.T, w *world, c caller) {
	t.Helper()
	if got := s.read(w); !maps.Equal(got, s.refs) {
		for ref := range got {
			if got[ref] != s.refs[ref] {
				t.Errorf("after %s, %s is at %q, and should be at %q", c.name, ref, got[ref], s.refs[ref])
			}
		}
		for ref := range s.refs {
			if got[ref] == "" {
				t.Errorf("after %s, %s is missing", c.name, ref)
			}
		}
		s.refs = got
	}
}

// change returns the update for an operation on a ref.
func (s *stand) change(ref string, op operation) update {
	from := s.refs[ref]
	u := update{ref: ref, from: from}
	switch op {
	case create:
		u.from, u.to = zero, s.side
	case forward:
		u.to = s.chain[slices.Index(s.chain, from)+1]
	case force:
		u.to = s.side
	case remove:
		u.to = zero
	}
	if u.from == "" {
		u.from = s.chain[1] // for refs that do not exist, or are hidden
	}
	return u
}

// try tries one cell.
func (w *world) try(c caller, k kind, op operation, s *stand) {
	w.t.Helper()
	want, moves := k.wantsOf(c, op)
	repo := k.repo
	if repo == none && moves {
		repo += "/" + c.name // a repository that the push makes
	}
	u := s.change(k.ref(c, op), op)
	if repo == none || repo != k.repo {
		u.from = zero
	}
	said, err := push(w.client(c), repo, k.options, u)
	if err != nil {
		w.t.Fatalf("%s: %s %s of %s: %v", c.name, op, u.ref, repo, err)
	}
	moved := strings.Contains(said, "ok "+u.ref)
	got := allowed
	switch {
	case strings.Contains(said, "not allowed to "):
		got = denied
	case strings.Contains(said, fmt.Sprintf("repository %q not found", repo)):
		got = notFound
	}
	if repo != k.repo {
		moved = true // the commits are missing on the server; only the accepted push counts
	}
	if want != "" && got != want || moved != moves {
		w.t.Errorf("%s: %s %s (%s): %s, moved: %t; want %s, moved: %t\n%s", c.name, op, k.name, u.ref, got, moved, want, moves, said)
	}
	if moved && repo == k.repo {
		s.set(u)
	}
}

// set notes that a ref was moved.
func (s *stand) set(u update) {
	s.refs[u.ref] = u.to
	if u.to == zero {
		delete(s.refs, u.ref)
	}
}

// trySeveral pushes an allowed ref together with each forbidden one: neither moves.
func (w *world) trySeveral(c caller, s *stand) {
	w.t.Helper()
	var may []update
	var mayNot []update
	for _, k := range kinds() {
		if k.repo != own || len(k.options) > 0 {
			continue
		}
		ref := k.ref(c, create) + "-several"
		v, moves := k.wantsOf(c, create)
		switch {
		case moves:
			may = append(may, update{ref, zero, s.side})
		case v == denied:
			mayNot = append(mayNot, update{ref, zero, s.side})
		}
	}
	if _, moves := kinds()[0].wantsOf(c, forward); !moves {
		mayNot = append(mayNot, s.change("refs/heads/main", forward))
	}
	for _, good := range may {
		for _, bad := range mayNot {
			said, err := push(w.client(c), own, []string{"skip"}, good, bad)
			if err != nil || strings.Contains(said, "ok refs/") {
				w.t.Errorf("%s: %s, with %s, which is forbidden: %v\n%s", c.name, good.ref, bad.ref, err, said)
			}
		}
	}
}
