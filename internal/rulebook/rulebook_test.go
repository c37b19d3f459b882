package rulebook

import (
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/repos"
)

var ana = access.Caller{Operator: "ana", Fingerprint: "SHA256:x", Role: access.RoleAdmin}

func keyText(t *testing.T, seed string) string {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, 32))).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// first returns the first files of a server whose admin is ana.
func first(t *testing.T) First {
	return func() (map[string][]byte, error) {
		base, err := repos.Admin()
		if err != nil {
			return nil, err
		}
		return rules.First(base, []access.AdminKey{{Name: "ana", Key: keyText(t, "a")}})
	}
}

// noTrail is an audit trail that keeps nothing.
type noTrail struct{}

func (noTrail) Note(...audit.Event) {}

func open(t *testing.T, store *git.Store, first First) (*Book, *logtest.Hook, error) {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	hook := logtest.NewLocal(logger)
	book, err := Open(t.Context(), store, Config{First: first, Trail: noTrail{}, Clusters: noClusters{}, Log: logrus.NewEntry(logger)})
	return book, hook, err
}

func mustOpen(t *testing.T, store *git.Store) *Book {
	t.Helper()
	book, hook, err := open(t, store, first(t))
	if err != nil {
		t.Fatal(err)
	}
	if last := hook.LastEntry(); last == nil || last.Level < logrus.InfoLevel {
		t.Fatalf("logged: %+v", last)
	}
	return book
}

// commit puts files on the branch of the rules, past the gate.
func commit(t *testing.T, book *Book, files map[string][]byte) {
	t.Helper()
	head, err := book.head(t.Context(), Main.Ref())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.repo.Append(t.Context(), Main.Ref(), head, git.NewCommit{Message: "x", Files: files}); err != nil {
		t.Fatal(err)
	}
}

// records returns the messages of the records, newest first.
func records(t *testing.T, book *Book) []string {
	t.Helper()
	head, err := book.head(t.Context(), recordRef)
	if err != nil {
		t.Fatal(err)
	}
	log, err := book.repo.LogFrom(t.Context(), head, 100)
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, c := range log {
		messages = append(messages, c.Message)
	}
	return messages
}

func TestNewServerBeginsWithItsAdmins(t *testing.T) {
	store := storetest.Open(t, git.StoreOptions{})
	book := mustOpen(t, store)
	if !book.Rules().Decide("ana", access.Administer, access.Subject{}).Allowed {
		t.Error("ana is no admin")
	}
	if got := records(t, book); len(got) != 2 || !strings.Contains(got[0], "+ ana is an admin of the server\n") ||
		!strings.Contains(got[0], "Found by the server at its start.\n") || !strings.Contains(got[0], "\nOperator: pushboat\n") {
		t.Errorf("records: %q", got)
	}
	again := mustOpen(t, store)
	if got := records(t, again); len(got) != 2 || again.edition.Load().revision != book.edition.Load().revision {
		t.Errorf("the next start has written: %q", got)
	}
}

// TestCrashWhileTheRepositoryIsMade: the server stopped after it wrote the record and
// before it made the branch.
func TestCrashWhileTheRepositoryIsMade(t *testing.T) {
	store := storetest.Open(t, git.StoreOptions{})
	repo, err := store.Create(t.Context(), access.AdminRepo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Append(t.Context(), recordRef, "", git.NewCommit{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if book := mustOpen(t, store); len(book.Rules().(*rules.Rules).Operators()) != 1 {
		t.Error("the rules were not made")
	}
}

func TestSomebodysRepositoryIsNotTaken(t *testing.T) {
	store := storetest.Open(t, git.StoreOptions{})
	repo, err := store.Create(t.Context(), access.AdminRepo)
	if err != nil {
		t.Fatal(err)
	}
	files, err := first(t)()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Append(t.Context(), Main.Ref(), "", git.NewCommit{Message: "x", Files: files}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, store, first(t)); !errors.Is(err, errForeign) {
		t.Errorf("opened: %v", err)
	}
}

// TestServersServeWithoutRules: if the rules cannot be made or read, the server opens with
// the key files alone.
func TestServersServeWithoutRules(t *testing.T) {
	store := storetest.Open(t, git.StoreOptions{})
	book, hook, err := open(t, store, func() (map[string][]byte, error) { return nil, rules.ErrNoAdmin })
	if err != nil || len(book.Current().Operators()) != 0 || hook.LastEntry().Level != logrus.ErrorLevel {
		t.Fatalf("without an admin: %v, %v", err, hook.LastEntry())
	}
	if err := book.Take(t.Context(), ana); err == nil {
		t.Error("Take accepts rules that were not made")
	}
	book = mustOpen(t, store) // now with an admin
	commit(t, book, map[string][]byte{"access.yaml": []byte("rules: {}\n")})
	broken, hook, err := open(t, store, first(t))
	if err != nil || len(broken.Current().Operators()) != 0 || hook.LastEntry().Level != logrus.ErrorLevel {
		t.Fatalf("broken: %v, %v", err, hook.LastEntry())
	}
	commit(t, book, map[string][]byte{"access.yaml": []byte("rules: [{who: [ana], may: [admin]}]\n")})
	if err := broken.Take(t.Context(), ana); err != nil || len(broken.Current().Operators()) != 1 {
		t.Errorf("mended: %v", err)
	}
	var none Book
	none.edition.Store(&edition{rules: rules.None()})
	if _, _, problems := none.Propose(fstest.MapFS{}, ana, -1); len(problems) != 1 {
		t.Errorf("a push to what could not be opened: %v", problems)
	}
	if err := none.Take(t.Context(), ana); err == nil {
		t.Error("Take accepts rules that could not be opened")
	}
}

func TestTake(t *testing.T) {
	book := mustOpen(t, storetest.Open(t, git.StoreOptions{}))
	before := book.Rules()
	commit(t, book, map[string][]byte{"operators/ben.yaml": []byte("email: ben@example.org\nkeys: [" + keyText(t, "b") + "]\n")})
	if _, ok := book.Current().Operator("ben"); ok {
		t.Fatal("the pushed rules are in force before Take")
	}
	for range 2 { // the second call has nothing to do
		if err := book.Take(t.Context(), ana); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := book.Current().Operator("ben"); !ok {
		t.Error("ben is no operator after Take")
	}
	if _, ok := before.(*rules.Rules).Operator("ben"); ok {
		t.Error("the former rules have changed")
	}
	got := records(t, book)
	if len(got) != 3 || !strings.Contains(got[0], "+ ben (person) becomes an operator\n") || !strings.HasSuffix(strings.TrimSpace(got[0]), "Operator: ana\nKey: SHA256:x") {
		t.Errorf("records: %q", got)
	}
	if book.Address("ben") != "ben@example.org" || book.Address("ana") != "" || book.Address("eve") != "" {
		t.Errorf("addresses: %q, %q, %q", book.Address("ben"), book.Address("ana"), book.Address("eve"))
	}
	commit(t, book, map[string][]byte{"access.yaml": []byte("rules: {}\n")})
	if err := book.Take(t.Context(), ana); err == nil {
		t.Error("Take accepts rules that cannot be read")
	}
	if _, ok := book.Current().Operator("ben"); !ok || len(records(t, book)) != 3 {
		t.Error("the former rules are not in force any more")
	}
}

func TestPropose(t *testing.T) {
	book := mustOpen(t, storetest.Open(t, git.StoreOptions{}))
	files, err := first(t)()
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for path, data := range files {
		tree[path] = &fstest.MapFile{Data: data}
	}
	tree["operators/ben.yaml"] = &fstest.MapFile{Data: []byte("keys: []\n")}
	changes, _, problems := book.Propose(tree, ana, -1)
	if len(problems) > 0 || len(changes) != 1 || changes[0] != "  + ben (person) becomes an operator" {
		t.Errorf("got %q, %v", changes, problems)
	}
	if _, ok := book.Current().Operator("ben"); ok {
		t.Error("a proposal is in force")
	}
	tree["access.yaml"] = &fstest.MapFile{Data: []byte("rules: []\n")}
	if _, _, problems := book.Propose(tree, ana, -1); len(problems) != 1 {
		t.Errorf("a lock-out: %v", problems)
	}
	delete(tree, "access.yaml")
	if _, _, problems := book.Propose(tree, ana, -1); len(problems) != 1 {
		t.Errorf("no access.yaml: %v", problems)
	}
}

// noClusters accepts any clusters.
type noClusters struct{}

func (noClusters) Propose([]*rules.Cluster) ([]string, manifest.Problems) { return nil, nil }
func (noClusters) Take([]*rules.Cluster)                                  {}
