package rights

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
)

// row is a way to call a verb, from the server's own table (help -o json).
type row struct {
	Verb, Args, Flag, Right string
}

// free is the right of verbs that every operator may run.
const free = "log in"

// flags keep a call from waiting, or from changing things that other cells need.
var flags = map[string]string{"wait": "--timeout=1ms"}

// verdict is the answer to a call with respect to rights.
type verdict string

const (
	allowed  verdict = "allowed" // whatever its result
	denied   verdict = "denied"
	notFound verdict = "not found"
)

// missing matches the answer for a name that does not exist, or is hidden.
var missing = regexp.MustCompile(`^error: (app|repository) "[^"]+" not found\n`)

// verdict returns the verdict in an answer.
func (a answer) verdict() verdict {
	switch {
	case strings.HasPrefix(a.err, "error: not allowed to "):
		return denied
	case missing.MatchString(a.err):
		return notFound
	}
	return allowed
}

// cell is a call of a verb by a caller.
type cell struct {
	row
	caller
	repo  string // the repository in the words of the call; "": none
	words string
}

// about returns the word for a token of a verb's usage that names something in a
// repository.
func about(token, repo string, c caller) (word string, is bool) {
	switch token {
	case "APP":
		return appOf(repo), true
	case "DEPLOY":
		return appOf(repo) + "-1", true
	case "NAME", "REPO", "REPOSITORY":
		return repo, true
	case "WHO":
		return c.name, false
	}
	return strings.ToLower(strings.Trim(token, "[].")), false
}

// newCell fills in the words of a row, with or without the optional ones.
func newCell(r row, c caller, repo string, optional bool) cell {
	made := cell{row: r, caller: c}
	words := []string{r.Verb}
	for token := range strings.FieldsSeq(r.Args) {
		if strings.HasPrefix(token, "[") && !optional {
			break
		}
		word, names := about(strings.Trim(token, "[]."), repo, c)
		if r.Verb == "token create" { // the name is that of a token
			word, names = "ci", false
		}
		if names {
			made.repo = repo
		}
		words = append(words, word)
	}
	made.words = strings.Join(append(words, r.Flag, flags[r.Verb]), " ")
	return made
}

// wants is the verdict by the table of rights.
func (c cell) wants() verdict {
	right := access.Right(c.Right)
	at := place{repo: c.repo, ref: "refs/heads/main"} // the server does not know the folder of an app that was never deployed
	switch {
	case c.Right == free || c.repo == "" && !right.OnServer():
		return allowed // the answer has only what the caller may see
	case right.OnServer() || right == access.CreateRepo:
		at = place{repo: c.repo}
	case c.repo == none || !c.has(access.ReadRepo, at):
		return notFound
	}
	if c.has(right, at) {
		return allowed
	}
	return denied
}

func (c cell) String() string { return fmt.Sprintf("%s: %s", c.name, strings.TrimSpace(c.words)) }

// rows reads the table of verbs from the server.
func (w *world) rows() []row {
	a, err := run(w.client(w.callers[0]), "help -o json")
	w.must(err)
	var rows []row
	w.must(json.Unmarshal([]byte(a.out), &rows))
	if len(rows) < 40 {
		w.t.Fatalf("the table has %d rows: %s", len(rows), a.out)
	}
	return rows
}

// cellsOf returns the calls of one caller. Allowed calls that stop the server are left out.
// A caller with a single verb tries that verb on every repository, and one form of each
// other verb.
func cellsOf(rows []row, c caller) (cells []cell) {
	for _, r := range rows {
		seen, repos, forms := map[string]bool{}, []string{own, other, none}, []bool{true, false}
		if verb := access.Right(r.Right).Verb(); c.single() && verb != c.give && verb != c.take {
			repos, forms = repos[:1], forms[:1]
		}
		for _, repo := range repos {
			for _, optional := range forms {
				one := newCell(r, c, repo, optional)
				if seen[one.words] || r.Verb == "" || stops(one) {
					continue
				}
				seen[one.words] = true
				cells = append(cells, one)
			}
		}
	}
	return cells
}

// stops reports whether a call ends the server, or makes the repository that must not
// exist.
func stops(c cell) bool {
	return c.wants() == allowed && (c.Verb == "drain" || c.Verb == "repo create" && c.repo == none)
}

// TestVerbs tries each way to call each verb, as each caller, on each repository.
func TestVerbs(t *testing.T) {
	w := newWorld(t)
	rows := w.rows()
	tried := 0
	for _, c := range w.callers {
		cells := cellsOf(rows, c)
		answers := w.runAll(c, cells)
		w.hangUp(c)
		for i, one := range cells {
			if got, want := answers[i].verdict(), one.wants(); got != want {
				t.Errorf("%s: %s, want %s (%s)\n%s%s", one, got, want, one.Right, answers[i].err, answers[i].out)
			}
			checkHidden(t, one, answers[i])
		}
		checkAlike(t, c, cells, answers)
		tried += len(cells)
	}
	t.Logf("%d cells", tried)
	w.tryDrain(rows)
}

// checkHidden checks that an answer does not name what is hidden from the caller.
func checkHidden(t *testing.T, c cell, a answer) {
	t.Helper()
	keepsAll := access.Right(c.Right).OnServer() && c.wants() == allowed // an answer of the trail or of a backup may have all names
	if c.repo != other && !keepsAll && !c.has(access.ReadRepo, place{repo: other}) && strings.Contains(a.out+a.err, other) {
		t.Errorf("%s names a repository that is hidden from its caller:\n%s%s", c, a.err, a.out)
	}
}

// checkAlike compares the answers for a hidden repository with those for one that does not
// exist.
func checkAlike(t *testing.T, c caller, cells []cell, answers []answer) {
	t.Helper()
	if c.has(access.ReadRepo, place{repo: other}) {
		return
	}
	missing := map[string]answer{}
	for i, one := range cells {
		if one.repo == none {
			missing[one.words] = answers[i]
		}
	}
	as := strings.NewReplacer(other, none)
	for i, one := range cells {
		if one.repo != other {
			continue
		}
		want, got := missing[as.Replace(one.words)], answers[i]
		if got.status != want.status || as.Replace(got.out) != want.out || as.Replace(got.err) != want.err {
			t.Errorf("%s shows that the repository exists:\n%+v\none that does not:\n%+v", one, got, want)
		}
	}
}

// runAll runs cells over the caller's connection, several at the same time.
func (w *world) runAll(c caller, cells []cell) []answer {
	client := w.client(c)
	answers, failed := make([]answer, len(cells)), make([]error, len(cells))
	next := make(chan int)
	var workers sync.WaitGroup
	for range 6 {
		workers.Go(func() {
			for i := range next {
				answers[i], failed[i] = run(client, cells[i].words)
			}
		})
	}
	for i := range cells {
		next <- i
	}
	close(next)
	workers.Wait()
	for i, err := range failed {
		if err != nil {
			w.t.Fatalf("%s: %v", cells[i], err)
		}
	}
	return answers
}

// tryDrain lets each caller with the right stop the server.
func (w *world) tryDrain(rows []row) {
	for _, r := range rows {
		for _, c := range w.callers {
			one := newCell(r, c, own, false)
			if r.Verb != "drain" || one.wants() != allowed {
				continue
			}
			a, err := run(w.client(c), one.words)
			if err != nil || a.verdict() != allowed {
				w.t.Errorf("%s: %v\n%s", one, err, a.err)
			}
			w.hangUp(c)
			if _, err := w.home.Server.Wait(); err != nil {
				w.t.Fatalf("%s: the server ends: %v", one, err)
			}
			w.must(w.home.Restart())
		}
	}
}
