// Package push decides what each pushed ref means. It connects sessions to Git's
// programs, answers their hooks, has the gate judge every branch that deploys, and
// shows the pusher the deploys that follow.
package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/tally"
	"github.com/pushboat/pushboat/internal/trace"
)

// Session is the client's end of a clone or a push. Package sshd implements it.
type Session interface {
	io.ReadWriter
	// Stderr is where Git's errors go.
	Stderr() io.Writer
	// Caller returns the owner of the session.
	Caller() access.Caller
	// ID names the session in logs and records.
	ID() string
	// Gone is closed when the client is gone.
	Gone() <-chan struct{}
	// Fill replaces HOST in a text with the server's address, as the client calls it.
	Fill(text string) string
	// GitProtocol is the protocol version that the client asked for, or "".
	GitProtocol() string
}

// Rules are the server's own repository, admin.git. Package rulebook has them.
type Rules interface {
	// Propose says what putting a revision in force would change, a line each, and which
	// apps would go with it; or what is wrong with it, or has to be confirmed: with the number
	// of deletions, -1 for none.
	Propose(tree fs.FS, author access.Caller, confirmed int) (changes []string, leaving []name.App, problems manifest.Problems)
	// Take puts the newest revision in force. It may be called again at any time. leaving are
	// apps whose going was confirmed.
	Take(ctx context.Context, by access.Caller, leaving ...name.App) error
	// Current returns the rules in force.
	Current() *rules.Rules
}

// Door serves clones and pushes. Every field is required, unless it says otherwise.
type Door struct {
	Repos  *git.Store
	Engine *deploy.Engine
	Policy *access.Policy
	Rules  Rules
	// KeyFiles returns the keys of the key files.
	KeyFiles func() *access.Directory
	Trail    Trail
	Socket   *hook.Socket
	Grants   deploy.Grants // of the repositories
	Disk     func() error  // an error while the server cannot store a push
	Fence    func() error  // an error once another server has replaced this one
	Log      *logrus.Entry
	// Traces makes a trace of each push; nil: traces are off.
	Traces *trace.Tracer
	// Refused hears of pushes to branches with apps that the gate has refused, and waits for
	// nothing; nil: nobody does.
	Refused func(Refusal)
	// Refusals keeps what is to be shown of pushes that the gate has refused; nil: nobody does.
	Refusals *refusal.Store
	// PageOf returns the address of the page that shows a refusal, by its id; "" while there
	// are no pages. nil: there are none.
	PageOf func(id string) string

	fresh fresh
	turns turns
	rates rates

	gated   tally.TimesBy[Outcome]
	stopped atomic.Int64 // pushes that reached a limit before the gate
}

// Exit statuses of a session that runs a Git program, in addition to Git's own.
const (
	exitNotDeployed = 1   // the commit was kept, but its deploy did not end well
	exitRefused     = 128 // as for Git's own fatal errors
)

// Serve runs one of Git's services on the repository that the client names, and returns
// the session's exit status. ctx is the server's, not the session's: a push that the
// client abandons after its gate has begun still comes to its end.
func (d *Door) Serve(ctx context.Context, s Session, service git.Service, path string) int {
	repo, err := d.open(ctx, s.Caller(), service, path)
	if err != nil {
		tell(s, err)
		return exitRefused
	}
	if service.Writes() {
		defer d.endFresh(ctx, repo.Name())
	}
	request := git.ServeRequest{
		Service: service, Protocol: s.GitProtocol(),
		Stdin: s, Stdout: s, Stderr: s.Stderr(), Gone: s.Gone(), Operator: s.Caller().Operator,
	}
	if !service.Writes() {
		request.HideRecords = d.hidesRecords(s.Caller(), repo.Name())
		return d.run(ctx, s, repo, request)
	}
	push := newPush(d, s, repo)
	env, release := d.Socket.Register(push)
	request.HookEnv, request.Talk, request.Gate = env, push.talk, push.gate
	status := d.run(ctx, s, repo, request)
	release()
	push.endTurns()
	push.settle(ctx)
	push.advise(status)
	if status == 0 && push.talk.Began() && !push.talk.Asks() {
		return push.upToDate(ctx)
	}
	if status == 0 && push.unsuccessful() {
		return exitNotDeployed
	}
	return status
}

// hidesRecords reports whether a caller who may read the repository may not read the
// records of its deploys.
func (d *Door) hidesRecords(caller access.Caller, repo name.Repo) bool {
	return !d.Policy.Allows(caller, access.ReadDeploys, access.Subject{Repo: repo})
}

func (d *Door) run(ctx context.Context, s Session, repo *git.Repository, request git.ServeRequest) int {
	status, err := repo.Serve(ctx, request)
	log := d.Log.WithField("repository", string(repo.Name()))
	if stopped, ok := errors.AsType[*git.StoppedError](err); ok {
		if request.Service.Writes() {
			d.stopped.Add(1)
		}
		log.WithFields(logrus.Fields{"operator": s.Caller().Operator, "push": s.ID()}).Infof("%s: %v", request.Service, stopped)
		d.tellStopped(s, request.Service, stopped)
		return status
	}
	if err != nil {
		if ctx.Err() == nil { // Git has not begun, so the client still waits for its first line
			tell(s, report.WithHint(errors.New("the server cannot run Git as it should"), "tell its operator; the server's log says why"))
		}
		log.Warnf("%s: %v", request.Service, err)
	}
	return status
}

// open finds the repository, or creates it for a push by somebody who may. A caller who
// may not even read it is told that it does not exist.
func (d *Door) open(ctx context.Context, caller access.Caller, service git.Service, path string) (*git.Repository, error) {
	repo, err := name.ParseRepo(path)
	if err != nil {
		return nil, err
	}
	if _, err := d.checkOpen(caller, access.ReadRepo, repo, service); err != nil {
		return nil, notFound(repo)
	}
	if !service.Writes() {
		return d.openToRead(repo)
	}
	d.fresh.begin(repo)
	repository, made, err := d.openToWrite(ctx, caller, repo, service)
	switch {
	case err != nil:
		d.endFresh(ctx, repo)
	case made:
		d.fresh.made(repo)
	}
	return repository, err
}

func (d *Door) openToRead(repo name.Repo) (*git.Repository, error) {
	repository, err := d.Repos.Open(repo)
	if errors.Is(err, git.ErrNotExist) {
		return nil, notFound(repo)
	}
	return repository, err
}

// openToWrite also says whether it created the repository.
func (d *Door) openToWrite(ctx context.Context, caller access.Caller, repo name.Repo, service git.Service) (repository *git.Repository, made bool, err error) {
	repository, err = d.Repos.Open(repo)
	missing := errors.Is(err, git.ErrNotExist)
	if err != nil && !missing {
		return nil, false, err
	}
	right := access.PushRepo
	if missing {
		right = access.CreateRepo
	}
	decision, err := d.checkOpen(caller, right, repo, service)
	if err != nil {
		return nil, false, err
	}
	if err := d.checkMirror(repo); err != nil {
		return nil, false, err
	}
	if err := d.checkRate(caller, repo); err != nil {
		return nil, false, err
	}
	if err := d.Fence(); err != nil {
		return nil, false, refusedAs(err)
	}
	if err := d.Disk(); err != nil {
		return nil, false, unwritable(err)
	}
	if !missing {
		return repository, false, nil
	}
	repository, err = d.create(ctx, caller, repo, decision.Rule)
	if errors.Is(err, git.ErrExist) { // another push was faster
		repository, err = d.Repos.Open(repo)
		return repository, false, err
	}
	return repository, true, err
}

// checkMirror refuses pushes to a repository that is fetched from elsewhere: the next fetch
// would find two histories.
func (d *Door) checkMirror(repo name.Repo) error {
	m := d.Rules.Current().Mirror(repo)
	if m == nil {
		return nil
	}
	return report.WithHint(fmt.Errorf("repository %q is a mirror of %s and takes no pushes; nothing was changed", repo, m.URL),
		"push there, and have it fetched at once: ssh HOST repo fetch %s\nto have it take pushes here: ssh HOST repo mirror %s --stop", repo, repo)
}

// refusedAs tells the pusher why the server takes no more pushes.
func refusedAs(err error) error {
	return report.WithHint(fmt.Errorf("%w; nothing was changed", err), "push again: the server that took its place answers")
}

// unwritable tells the pusher that the server cannot store anything.
func unwritable(err error) error {
	trouble := "cannot be written to"
	if git.Full(err) {
		trouble = "is full"
	}
	return report.WithHint(fmt.Errorf("the server's disk %s: pushes are refused; nothing was changed", trouble),
		"tell the server's operator, and push again when it is fixed")
}

func notFound(repo name.Repo) error {
	return report.WithHint(fmt.Errorf("repository %q not found", repo), "list the repositories: ssh HOST repo list")
}

// tell ends the session with an error in the form that Git's clients show as their own:
// a pkt-line that begins with ERR (gitprotocol-pack).
func tell(s Session, err error) {
	message, hint := Spelling.Explain(err)
	text := "ERR " + s.Fill(strings.TrimSuffix(manifest.CleanLines(message)+"\n"+report.Hints(hint), "\n"))
	fmt.Fprintf(s, "%04x%s", len(text)+4, text)
}
