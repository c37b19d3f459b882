package converge

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
)

// The soak relies on checks that find faults. Each of these tests gives one of the checks a
// fault to find.

// says checks that an error has the wanted text; want "" means no error.
func says(t *testing.T, name string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// aLedger has three acknowledged commits, one with an unknown result, and one that was
// refused.
func aLedger() *ledger {
	l := newLedger("first")
	for commit, how := range map[string]outcome{"open": unknown, "not": refused} {
		l.begin(commit)
		l.end(commit, how)
	}
	for _, commit := range []string{"second", "third"} {
		l.begin(commit)
		l.end(commit, acknowledged)
	}
	for commit, how := range map[string]outcome{"perhaps": unknown, "given up": unknown, "refused": refused} {
		l.begin(commit)
		l.end(commit, how)
	}
	l.begin("under way")
	return l
}

func TestLedgerFindsWhatIsLost(t *testing.T) {
	for head, want := range map[string]string{
		"third":     "",
		"perhaps":   "",
		"given up":  "",
		"under way": "",
		"second":    "1 acknowledged pushes are lost, the first of them third",
		"first":     "2 acknowledged pushes are lost, the first of them second",
		"open":      "nobody has pushed", // another commit was acknowledged in its place
		"refused":   "every push was refused",
		"foreign":   "nobody has pushed",
		"":          "nobody has pushed",
	} {
		says(t, "at "+head, aLedger().settle(head), want)
	}
}

func TestLedgerKeepsWhatIsSeen(t *testing.T) {
	l := aLedger()
	says(t, "seen", l.settle("perhaps"), "")
	says(t, "one that was given up for it", l.settle("given up"), "nobody has pushed")
	says(t, "back again", l.settle("third"), "1 acknowledged pushes are lost")
	if newest, position := l.newest(); newest != "perhaps" || position != 3 {
		t.Errorf("the newest is %s, number %d", newest, position)
	}
}

func TestLedgerOfAPushThatIsMadeAgain(t *testing.T) {
	l := newLedger("first")
	l.begin("again")
	l.end("again", unknown)
	l.begin("again")
	l.end("again", refused)
	says(t, "refused, after a push whose end nobody knows", l.settle("again"), "")
	l.begin("other")
	l.end("other", refused)
	l.begin("other")
	says(t, "refused, and pushed again", l.settle("other"), "")
}

func TestLedgerOfABackup(t *testing.T) {
	l := aLedger()
	says(t, "all of it", l.includes("third", 2), "")
	says(t, "more than is due", l.includes("third", 1), "")
	says(t, "what may have come", l.includes("perhaps", 2), "")
	says(t, "less than is due", l.includes("second", 2), "lost")
	says(t, "nothing", l.includes("", 0), "nobody has pushed")
}

func TestLedgerFindsMovesBack(t *testing.T) {
	for name, test := range map[string]struct {
		moves []string
		want  string
	}{
		"on and on":                         {[]string{"first", "second", "third", "perhaps"}, ""},
		"a move that was noted twice":       {[]string{"first", "second", "second", "third"}, ""},
		"a move that was noted and failed":  {[]string{"first", "open", "second", "third"}, ""},
		"back, and on to where it was":      {[]string{"first", "second", "first", "second", "third"}, "went back from second to first"},
		"back behind all that is not known": {[]string{"third", "perhaps", "second"}, "went back from third to second"},
	} {
		says(t, name, aLedger().rewound(test.moves), test.want)
	}
	log := "0000 aaaa Ana <ana@example.org> 1 +0000\tpush\naaaa bbbb Ana <ana@example.org> 2 +0000\tpush\ncut off"
	if got := parseMoves(log); !slices.Equal(got, []string{"aaaa", "bbbb"}) {
		t.Errorf("a reflog: %v", got)
	}
}

func TestOutcomesOfAPush(t *testing.T) {
	const main = "refs/heads/main"
	for name, test := range map[string]struct {
		printed string
		want    outcome
	}{
		"moved":                            {"To pushboat:one\n \tabc:refs/heads/main\t123..456\nDone\n", acknowledged},
		"made":                             {"*\tabc:refs/heads/main\t[new branch]\n", acknowledged},
		"there already":                    {"=\tabc:refs/heads/main\t[up to date]\n", acknowledged},
		"moved, with a deploy that failed": {"To pushboat:one\n \tabc:refs/heads/main\t123..456\n", acknowledged},
		"refused by the server":            {"!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)\n", refused},
		"refused by Git":                   {"!\tabc:refs/heads/main\t[rejected] (fetch first)\nDone\n", refused},
		"not heard of":                     {"!\tabc:refs/heads/main\t[remote failure] (remote failed to report status)\n", unknown},
		"cut off before":                   {"", unknown},
		"cut off amid the line":            {" \tabc:refs/heads/main", unknown},
		"of another ref":                   {" \tabc:refs/tags/v1\t[new tag]\n", unknown},
	} {
		if got := readOutcomes(test.printed)[main]; got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestRefsThatAreSetBack(t *testing.T) {
	before := refs{"one refs/heads/main": "b", "one refs/pushboat/deploys/web": "b", "one refs/tags/v1": "a"}
	goesOn := func(_, from, to string) bool { return from < to }
	for name, test := range map[string]struct {
		change refs
		want   string
	}{
		"nothing":              {refs{}, ""},
		"on":                   {refs{"one refs/heads/main": "c", "one refs/pushboat/deploys/web": "d", "two refs/heads/main": "a"}, ""},
		"a branch back":        {refs{"one refs/heads/main": "a"}, "one refs/heads/main went back from b to a"},
		"a branch gone":        {refs{"one refs/heads/main": ""}, "one refs/heads/main is gone"},
		"records set back":     {refs{"one refs/pushboat/deploys/web": "a"}, "refs/pushboat/deploys/web went back"},
		"a tag that was moved": {refs{"one refs/tags/v1": "b"}, "refs/tags/v1 went back"},
	} {
		now := refs{}
		for _, from := range []refs{before, test.change} {
			maps.Copy(now, from)
		}
		says(t, name, before.setBack(now, goesOn), test.want)
	}
}

// aLine is a line of an audit log.
func aLine(change func(string) string) string {
	return change(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete",` +
		`"requestURI":"/api/v1/namespaces/a/configmaps/b?fieldManager=pushboat","verb":"patch","user":{"username":"admin"},` +
		`"impersonatedUser":{"username":"server-1","groups":["system:masters"]},"objectRef":{"resource":"configmaps","namespace":"a","name":"b","apiVersion":"v1"},` +
		`"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"1970-01-01T00:00:02.000500Z"}`)
}

func TestWhatCountsAsAWrite(t *testing.T) {
	for name, test := range map[string]struct {
		from, to string
		want     bool
	}{
		"an apply":                  {"", "", true},
		"a deletion":                {`"verb":"patch"`, `"verb":"delete"`, true},
		"one of nobody in question": {`"username":"server-1"`, `"username":"somebody"`, false},
		"a question":                {`"verb":"patch"`, `"verb":"get"`, false},
		"a dry run":                 {`?fieldManager`, `?dryRun=All&fieldManager`, false},
		"one that was refused":      {`"code":200`, `"code":409`, false},
		"a renewal of a lease":      {`"resource":"configmaps"`, `"resource":"leases","apiGroup":"coordination.k8s.io"`, false},
		"a review of rights":        {`"resource":"configmaps"`, `"resource":"selfsubjectaccessreviews","apiGroup":"authorization.k8s.io"`, false},
	} {
		line := aLine(func(l string) string { return strings.Replace(l, test.from, test.to, 1) })
		w, ok, err := parseWrite([]byte(line))
		if err != nil || ok != test.want {
			t.Errorf("%s: %+v %t, %v", name, w, ok, err)
		}
		if ok && (w.by != "server-1" || !w.at.Equal(time.UnixMicro(2_000_500))) {
			t.Errorf("%s: %+v", name, w)
		}
	}
	if _, _, err := parseWrite([]byte(`{"verb": server-1`)); err == nil {
		t.Error("a line that is not JSON is read")
	}
}

func TestStaleWritesAreFound(t *testing.T) {
	reigns := []reign{{"server-1", 1000}, {"server-3", 2000}, {"server-2", 3000}}
	for name, test := range map[string]struct {
		by   string
		at   int64
		want string
	}{
		"in its time":                   {"server-1", 1500, ""},
		"at the end of it":              {"server-1", 2000, ""},
		"after it":                      {"server-1", 2001, "server-1 made patch x 1ms after server-3 had taken its place"},
		"long after":                    {"server-1", 9000, "after server-3"},
		"of the one after it":           {"server-3", 2500, ""},
		"of the one after it, too late": {"server-3", 3001, "server-3 made patch x 1ms after server-2"},
		"of the last":                   {"server-2", 99000, ""},
		"of one without an epoch":       {"server-9", 2500, ""},
	} {
		err := stale([]write{{at: time.UnixMilli(test.at), by: test.by, what: "patch x"}}, reigns)
		says(t, name, err, test.want)
	}
}

func TestAuditLogsAreReadOnce(t *testing.T) {
	dir := t.TempDir()
	line := aLine(func(l string) string { return l }) + "\n"
	put := func(name, text string) {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	logs := &auditLogs{dir: dir, read: map[uint64]int64{}}
	counts := func(want int) {
		t.Helper()
		writes, err := logs.next("1.log")
		if err != nil || len(writes) != want {
			t.Errorf("%d writes, %v; want %d", len(writes), err, want)
		}
	}
	put("1.log", line+line+line[:40])
	counts(2)
	counts(0)
	put("1.log", line[40:])
	put("0.log", line+line[:40])
	counts(2)
	if _, err := os.Stat(filepath.Join(dir, "0.log")); !os.IsNotExist(err) {
		t.Errorf("the file of an API server that has ended: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "1.log"), filepath.Join(dir, "1-full.log")); err != nil {
		t.Fatal(err)
	}
	put("1.log", line)
	counts(1)
}

func TestInventoriesThatGoBackAreFound(t *testing.T) {
	v := &inventories{epochs: map[string]int64{}}
	for _, epoch := range []int64{5, 5, 7} {
		v.see("web", epoch)
	}
	v.see("db", 6)
	says(t, "on", v.wrong(), "")
	v.see("web", 6)
	v.see("web", 8)
	says(t, "back", v.wrong(), "the inventory web went back from epoch 7 to 6")
}

func TestEndingsThatAreWrong(t *testing.T) {
	const staleLog, fullLog = "another server has taken this one's place: the lease is held by b; this server ends", "raise the epoch: no space left on device"
	for name, test := range map[string]struct {
		ending ending
		wrong  bool
	}{
		"killed":                         {ending{killed, false, -1, ""}, false},
		"stopped":                        {ending{asked, true, 0, ""}, false},
		"stopped as it began":            {ending{asked, true, -1, ""}, false},
		"frozen, and replaced":           {ending{parted, true, 1, staleLog}, false},
		"lost its lease as it stopped":   {ending{asked, true, 1, staleLog}, false},
		"lost its lease":                 {ending{none, true, 1, staleLog}, false},
		"no room for the epoch":          {ending{none, true, 1, fullLog}, false},
		"stopped, and ended by a signal": {ending{asked, true, -1, "serving"}, true},
		"stopped, and ended badly":       {ending{asked, false, 1, ""}, true},
		"replaced, and ended well":       {ending{parted, true, 0, staleLog}, true},
		"replaced, and did not know":     {ending{parted, true, 1, ""}, true},
		"by itself":                      {ending{none, false, 1, ""}, true},
		"by itself, well":                {ending{none, true, 0, ""}, true},
		"stale with nobody beside it":    {ending{none, false, 1, staleLog}, true},
		"of a full disk without a lease": {ending{none, false, 1, fullLog}, true},
		"by a signal of somebody else":   {ending{none, true, -1, ""}, true},
	} {
		if wrong := test.ending.wrong(); (wrong != "") != test.wrong {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}

func TestOutagesAreMeasured(t *testing.T) {
	var o outages
	at := time.Now()
	o.answered(at)
	o.fault("a")
	o.answered(at.Add(time.Second))
	o.fault("b")
	o.fault("c")
	o.answered(at.Add(4 * time.Second))
	o.answered(at.Add(5 * time.Second))
	if o.longest != 3*time.Second || !slices.Equal(o.amid, []string{"b", "c"}) || o.answers != 4 {
		t.Errorf("%+v", &o)
	}
}

func TestObjectsThatDifferAreFound(t *testing.T) {
	a := &appState{name: "web", namespace: "space-a"}
	o := object{kind: "ConfigMap", name: "o", value: 7}
	made := func(change func(u *unstructured.Unstructured)) map[place]*unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"value": "7"}}}
		u.SetLabels(map[string]string{kube.PartOfLabel: kube.NewParent("web", "").ID()})
		change(u)
		return map[place]*unstructured.Unstructured{a.place(o): u}
	}
	for name, test := range map[string]struct {
		objects map[place]*unstructured.Unstructured
		want    string
	}{
		"as Git has it": {made(func(*unstructured.Unstructured) {}), ""},
		"another value": {made(func(u *unstructured.Unstructured) {
			u.Object["data"] = map[string]any{"value": "8"}
		}), `data.value is "8", not "7"`},
		"of another app": {made(func(u *unstructured.Unstructured) {
			u.SetLabels(map[string]string{kube.PartOfLabel: kube.NewParent("other", "").ID()})
		}), "not labelled as app web's"},
		"missing": {nil, "is missing"},
	} {
		says(t, name, (&world{}).compare(a, o, test.objects), test.want)
	}
	orphans := (&world{}).orphans(made(func(*unstructured.Unstructured) {}), map[place]bool{})
	if len(orphans) != 1 {
		t.Errorf("an object that nobody wants: %v", orphans)
	}
}

func TestSignsAreAwaited(t *testing.T) {
	g := newSigns()
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.await(2, time.Minute)
	}()
	for !isClosed(done) {
		g.tell()
	}
	g.await(1000, time.Millisecond)
}
