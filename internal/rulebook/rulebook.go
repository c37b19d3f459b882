// Package rulebook keeps admin.git, the server's own repository: it makes it at the
// first start, puts the rules on its branch main in force as a whole, and records each
// of them. What a revision says is read by package rules.
package rulebook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Main is the branch that is in force.
const Main name.Branch = "main"

// recordRef has a commit for each set of rules that was in force, with their tree. No
// client can push to it. It also says that the repository is the server's own, and not
// one that somebody made under its name before.
const recordRef = git.RecordRefs + "rules"

// Book is admin.git and the rules in force.
type Book struct {
	log      *logrus.Entry
	trail    Trail
	clusters Clusters
	repo     *git.Repository
	edition  atomic.Pointer[edition]
	turn     sync.Mutex // held while an edition is taken
	taken    func()     // called when an edition was taken; nil: nobody is told
	effects  Effects    // nil: none are known
}

// edition is a revision of the rules.
type edition struct {
	rules    *rules.Rules
	revision git.Hash // "": there is none
}

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// Note has events written soon.
	Note(events ...audit.Event)
}

// Clusters are those that the rules name, as the server reaches them. Package fleet has them.
type Clusters interface {
	// Propose says what is wrong with the clusters of rules to come, and what an admin
	// should know about them, a line each.
	Propose(next []*rules.Cluster) (warnings []string, problems manifest.Problems)
	// Take has the server deploy to them.
	Take(next []*rules.Cluster)
}

// Effects is what rules do to the apps that are deployed. Package server has it.
type Effects interface {
	// Foresee says what rules would do, a line each, which apps would go, and what is wrong
	// with the rules, or has to be confirmed: with the number of deletions, -1 for none.
	Foresee(next *rules.Rules, author access.Caller, confirmed int) (lines []string, leaving []name.App, problems manifest.Problems)
	// Taken is told of rules that are in force, of those before, and of the apps whose going
	// was confirmed.
	Taken(before *rules.Rules, leaving []name.App)
}

// Tell sets who knows the effects of rules. Call it before the first push.
func (b *Book) Tell(effects Effects) { b.effects = effects }

// First makes the files of a server's first admin.git.
type First func() (map[string][]byte, error)

// errForeign is of a repository that has the name of the server's own.
var errForeign = errors.New("repository admin has the name of the server's own rules, and is not that:" +
	" it has to make way. Give it another name in the data directory, mv repos/admin.git repos/NAME.git," +
	" and start again")

// Config holds the parts of a Book. Every field is required.
type Config struct {
	First    First
	Trail    Trail
	Clusters Clusters
	Log      *logrus.Entry
}

// Open opens admin.git, or makes it. Where it cannot be made or read, the server serves
// with the rights of its key files alone, and the log says so: the error is only of a
// repository that is not the server's own.
func Open(ctx context.Context, store *git.Store, config Config) (*Book, error) {
	b := &Book{log: config.Log, trail: config.Trail, clusters: config.Clusters}
	b.edition.Store(&edition{rules: rules.None()})
	err := b.open(ctx, store, config.First)
	if errors.Is(err, errForeign) {
		return nil, err
	}
	if err == nil {
		err = b.Take(ctx, access.System("start"))
	}
	if err != nil {
		b.log.WithError(err).Error("access: the rules of admin.git are not in force; only keys of the key files open anything")
	}
	return b, nil
}

func (b *Book) open(ctx context.Context, store *git.Store, first First) error {
	repo, err := store.Open(access.AdminRepo)
	if errors.Is(err, git.ErrNotExist) {
		repo, err = store.Create(ctx, access.AdminRepo)
	}
	if err != nil {
		return err
	}
	b.repo = repo
	record, err := b.head(ctx, recordRef)
	if err != nil {
		return err
	}
	head, err := b.head(ctx, Main.Ref())
	if err != nil {
		return err
	}
	switch {
	case record.IsZero() && !head.IsZero():
		return errForeign
	case head.IsZero():
		return b.begin(ctx, first, record)
	}
	return nil
}

// begin makes the first commit. A record comes before it: after a crash between the two
// the repository is known as the server's own, and gets its branch then.
func (b *Book) begin(ctx context.Context, first First, record git.Hash) error {
	files, err := first()
	if err != nil {
		return err
	}
	commit := git.NewCommit{Message: "Begin with the admins of the key files\n", Files: files}
	if record.IsZero() {
		if _, err := b.repo.Append(ctx, recordRef, "", commit); err != nil {
			return err
		}
	}
	if _, err := b.repo.Append(ctx, Main.Ref(), "", commit); err != nil {
		return err
	}
	b.log.Infof("access: made repository %s with the admins of the key files", access.AdminRepo)
	return nil
}

// head is where a ref is; the zero hash if there is none.
func (b *Book) head(ctx context.Context, ref string) (git.Hash, error) {
	head, err := b.repo.Head(ctx, ref)
	if errors.Is(err, git.ErrNoRef) {
		return "", nil
	}
	return head, err
}

// Rules returns the rules in force.
func (b *Book) Rules() access.Rules { return b.edition.Load().rules }

// Current returns the rules in force, to explain and list them.
func (b *Book) Current() *rules.Rules { return b.edition.Load().rules }

// Account returns the ServiceAccount as which a repository is deployed, see Rules.Account. known
// is false while no rules are in force.
func (b *Book) Account(repo name.Repo, asked string) (account string, known bool) {
	current := b.edition.Load()
	return current.rules.Account(repo, asked), current.revision != ""
}

// Propose says what putting a revision in force would change, or what is wrong with it, or has
// to be confirmed by its author: with the number of deletions, -1 for none.
func (b *Book) Propose(tree fs.FS, author access.Caller, confirmed int) (changes []string, leaving []name.App, problems manifest.Problems) {
	if b.repo == nil {
		return nil, nil, manifest.Problems{{Message: "the rules could not be opened when the server started", Hint: "its log says why; start it again"}}
	}
	next, problems := rules.Parse(tree)
	if len(problems) > 0 {
		return nil, nil, problems
	}
	current, now := b.Current(), time.Now()
	if problems := append(rules.LockOut(current, next, author, now), rules.NeverOpen(current, next, now)...); len(problems) > 0 {
		return nil, nil, problems
	}
	warnings, problems := b.clusters.Propose(next.Clusters())
	if len(problems) > 0 {
		return nil, nil, problems
	}
	changes = slices.Concat(rules.Compare(current, next), rules.ClosedBy(current, next, now), warnings)
	if b.effects == nil {
		return changes, nil, nil
	}
	lines, leaving, problems := b.effects.Foresee(next, author, confirmed)
	return append(changes, lines...), leaving, problems
}

// Take puts the newest revision of the branch in force as a whole, and records it. It may
// be called again at any time. leaving are apps whose going was confirmed. With an error, the
// former rules stay.
func (b *Book) Take(ctx context.Context, by access.Caller, leaving ...name.App) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if b.repo == nil {
		return errNotOpen
	}
	head, err := b.head(ctx, Main.Ref())
	switch {
	case err != nil:
		return err
	case head.IsZero():
		return fmt.Errorf("repository %s has no branch %s", access.AdminRepo, Main)
	case head == b.edition.Load().revision:
		return nil
	}
	tree, err := b.repo.Tree(head)
	if err != nil {
		return err
	}
	next, problems := rules.Parse(tree)
	if len(problems) > 0 {
		return problems
	}
	changes := rules.Compare(b.Current(), next)
	b.note(head, by)
	before := b.Current()
	b.edition.Store(&edition{next, head})
	defer b.tellTaken()
	b.clusters.Take(next.Clusters())
	if b.effects != nil {
		b.effects.Taken(before, leaving)
	}
	for _, warning := range next.Warnings() {
		b.log.Warn("access: " + warning)
	}
	b.log.WithFields(logrus.Fields{"operator": by.Operator, "key": by.Fingerprint, "revision": head.Short()}).
		Infof("access: the rules of admin.git are in force; operators: %d", len(next.Operators()))
	if err := b.record(ctx, head, changes, by); err != nil {
		b.log.WithError(err).Error("access: the rules in force are not recorded; the next start tries again")
	}
	return nil
}

// note puts the revision that comes into force on the audit trail. Its push was there
// before; the server's own start waits for no disk.
func (b *Book) note(head git.Hash, by access.Caller) {
	e := audit.Of(audit.Rules, by)
	e.Repository, e.Ref, e.New = string(access.AdminRepo), Main.Ref(), head.String()
	e.Old, e.Reason = b.edition.Load().revision.String(), by.Reason
	b.trail.Note(e)
}

// record appends to the record what is in force now, unless it is that already.
func (b *Book) record(ctx context.Context, head git.Hash, changes []string, by access.Caller) error {
	last, err := b.head(ctx, recordRef)
	if err != nil {
		return err
	}
	if !last.IsZero() {
		if commit, err := b.repo.Commit(last); err == nil && revisionOf(commit) == head {
			return nil
		}
	}
	tree, err := b.repo.TreeHash(head, ".")
	if err != nil {
		return err
	}
	_, err = b.repo.Append(ctx, recordRef, last, git.NewCommit{
		Message: message(head, changes, by), Trees: map[string]git.Hash{".": tree},
		Author: git.Signature{Name: by.Operator},
	})
	if err != nil {
		return fmt.Errorf("record the rules in force: %w", err)
	}
	return nil
}

// The trailers of a record.
const (
	revisionTrailer = "Revision: "
	operatorTrailer = "Operator: "
	keyTrailer      = "Key: "
)

// message is a record's: who put which revision in force, and what that changed.
func message(head git.Hash, changes []string, by access.Caller) string {
	text := fmt.Sprintf("Rules of %s\n\n", head.Short())
	if by.System {
		text += "Found by the server at its " + by.Reason + ".\n"
	}
	for _, change := range changes {
		text += strings.TrimPrefix(manifest.Clean(change), "  ") + "\n"
	}
	text = strings.TrimRight(text, "\n") + "\n\n" + revisionTrailer + head.String() + "\n" + operatorTrailer + by.Operator + "\n"
	if by.Fingerprint != "" {
		text += keyTrailer + by.Fingerprint + "\n"
	}
	return text
}

// revisionOf is the revision that a record is of; "" if it says none.
func revisionOf(record git.Commit) git.Hash {
	for line := range strings.Lines(record.Message) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), revisionTrailer); ok {
			if hash, err := git.ParseHash(text); err == nil {
				return hash
			}
		}
	}
	return ""
}

// Address is where commits that the server makes for an operator come from; "" if admin.git
// names none.
func (b *Book) Address(operator string) string {
	if found, ok := b.Current().Operator(operator); ok {
		return found.Email
	}
	return ""
}
