// Package server is the composition root: it reads the configuration, builds the
// parts of the server, and starts and stops them in order.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/hooks"
	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/announce"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/drift"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/lease"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/metrics"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/rollback"
	"github.com/pushboat/pushboat/internal/rulebook"
	"github.com/pushboat/pushboat/internal/sealed"
	"github.com/pushboat/pushboat/internal/settings"
	"github.com/pushboat/pushboat/internal/sshd"
	"github.com/pushboat/pushboat/internal/trace"
	"github.com/pushboat/pushboat/internal/web"
)

// server holds the parts of a running server.
type server struct {
	sources       settings.Sources
	config        settings.Config // at the start
	rereading     sync.Mutex      // protects reread
	reread        settings.Config // as of the last reload; only reload changes it
	log           *logrus.Entry
	version       string
	lease         *lease.Lease   // by which this server leads; nil: none
	leaseLine     *leaseLine     // nil: there is no lease
	reloadLater   bool           // a reload was asked for before this server led
	fence         *datadir.Fence // nil until this server owns the data directory
	repos         *git.Store
	socket        *hook.Socket
	keyring       *access.Keyring
	rules         *rulebook.Book
	trail         *audit.Trail
	history       *history.History
	rollback      *rollback.Maker
	events        *event.Bus
	engine        *deploy.Engine
	keeper        *drift.Keeper
	backups       *offsite.Keeper
	notifier      *notify.Notifier
	refusals      *refusal.Store
	renderers     *worker.Pool
	keys          *secrets.Decrypter
	sealed        *sealed.Store
	disk          *remembered // whether pushes can be stored
	way           *outgoing.Way
	hostKey       ssh.Signer
	timetable     *timetable[name.App]
	fullTimetable *timetable[name.App]
	mirrorTable   *timetable[name.Repo]
	mirrors       *mirror.Keeper
	remotes       *mirror.Sender
	id            string // of the server, see serverID
	ssh           *sshd.Server
	front         *front // nil: no server passes ssh connections on to another
	probes        *http.Server
	httpAddr      net.Addr                 // nil: no HTTP
	pages         atomic.Pointer[web.Door] // nil until this server leads
	desk          *command.Desk
	tokens        *token.Store
	register      access.Register
	phase         atomic.Int32 // a phase
	failed        chan error   // errors of background parts
	background    sync.WaitGroup
	drain         chan struct{} // asks the server to stop
	leaving       chan struct{} // closed when followers are told nothing more
	debug         *http.Server
	announcer     *announce.Announcer
	metrics       *http.Server
	metricsAddr   net.Addr                      // nil: no metrics
	measured      atomic.Pointer[metrics.Parts] // nil until the server leads
	door          *push.Door
	traces        *trace.Tracer      // nil: traces are off
	fleet         *fleet.Fleet       // nil until the clusters are open
	cancel        context.CancelFunc // ends the watches of clusters
}

// Serve runs the server until ctx ends, and then stops it in order. It writes the line
// "ready" to out when it serves. A signal on reload makes it read the settings and the
// key files again.
func Serve(ctx context.Context, sources settings.Sources, version string, out io.Writer, reload <-chan os.Signal) error {
	config, err := Settings(sources)
	if err != nil {
		return err
	}
	s := &server{
		sources: sources, config: config, reread: config, log: newLog(config.Log), version: version,
		failed: make(chan error, 4), drain: make(chan struct{}, 1), leaving: make(chan struct{}),
	}
	for _, line := range settings.Strangers() {
		s.log.Warn(line)
	}
	defer s.linger()
	if err := s.lead(ctx, reload); err != nil {
		s.close()
		return unlessDone(ctx, err)
	}
	if err := s.build(); err != nil {
		s.close()
		return err
	}
	return s.run(ctx, out, reload)
}

// build makes the parts, leaf first. By then, of the doors only the socket of Git's
// hooks listens, and no push can arrive there before SSH listens.
func (s *server) build() error {
	if err := s.buildRepos(); err != nil {
		return err
	}
	if err := s.buildEngine(); err != nil {
		return err
	}
	return s.buildDoors()
}

func (s *server) path(elements ...string) string {
	return filepath.Join(append([]string{s.config.Data}, elements...)...)
}

// buildRepos opens the data directory and the repositories in it.
func (s *server) buildRepos() (err error) {
	if err := datadir.Check(s.config.Data); err != nil {
		return err
	}
	for _, dir := range []string{s.path(), s.path("ssh"), s.path("run")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	}
	s.disk = &remembered{ask: s.tryDisk}
	if err := s.openRepos(); err != nil {
		return err
	}
	s.openTrail()
	if err := hooks.Install(s.path("hooks")); err != nil && !git.Full(err) { // see tryDisk
		return err
	}
	s.socket, err = hook.Listen(s.path("run"), s.config.Hook, s.log)
	return err
}

// A server that was killed a moment ago may still hold its directory: its successor
// waits for it this long, and tries every lockRetry.
const (
	lockWait  = 5 * time.Second
	lockRetry = 50 * time.Millisecond
)

func (s *server) openRepos() (err error) {
	late, seize := time.After(lockWait), false
	for {
		s.repos, err = git.OpenStore(s.path("repos"), git.StoreOptions{
			Seize:    seize,
			HooksDir: s.path("hooks"), MaxPush: int64(s.config.Git.MaxPushSize),
			MaxCPU: s.config.Git.MaxCPUTime, Timeout: s.config.Git.Timeout, Log: s.log,
			Owned: s.takeDirectory, Fence: func() error { return s.fence.Check() },
		})
		if !errors.Is(err, git.ErrInUse) {
			return err
		}
		select {
		case <-time.After(lockRetry):
		case <-late:
			if seize = s.maySeize(); !seize {
				return err
			}
		}
	}
}

// buildEngine opens the clusters and builds the engine that deploys to them.
func (s *server) buildEngine() error {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	clusters, err := s.openFleet(ctx)
	if err != nil {
		return err
	}
	if s.way, err = outgoing.Open(outgoingConfig(s.config)); err != nil {
		return err
	}
	if err := s.openKeys(); err != nil {
		return err
	}
	key, err := serverSecret(s.path("mask.key"))
	if err != nil {
		return err
	}
	if err := s.openSealed(key); err != nil {
		return err
	}
	if s.id, err = serverID(s.path("server.id")); err != nil {
		return err
	}
	if err := s.openTraces(); err != nil {
		return err
	}
	program, err := worker.Program()
	if err != nil {
		return err
	}
	s.renderers = worker.NewPool(program, worker.DefaultLimits, s.log)
	s.renderers.Bound(s.config.Render.Workers())
	ofCharts := chartsConfig(s.config, s.path("charts"), s.way)
	ofCharts.Fence = s.fence.Check
	store, err := charts.New(ofCharts)
	if err != nil {
		return err
	}
	s.history = history.New(s.repos)
	s.events = event.New(keptEvents)
	s.announcer = s.newAnnouncer()
	s.engine = deploy.New(deploy.Config{
		Clusters: clusters, Source: push.Source{Repos: s.repos}, Recorder: s.history,
		Renderer: render.New(s.renderers, askCluster(clusters)).WithData(readData(clusters, s.accountOf, s.grantOf)).WithKeys(s.keys).WithCharts(store).WithGrants(s.grantOf),
		Accounts: s.accountOf, Grants: s.grantOf, Sealed: s.sealed, Server: s.id, Epoch: s.fence.Epoch(), Masker: manifest.NewMasker(key), Own: s.own(clusters), PlainSecrets: s.config.Secrets.Plain == "allow", Windows: s.windows, Labels: s.fleet.Labels, Servers: s.fleet.Servers, Addresses: s.addressesOf, Folder: s.folderOf, Elsewhere: s.elsewhere, IsSource: s.isSource, Vouched: s.vouched, Events: s.events, Trail: s.trail, Log: s.log,
	})
	s.fleet.Join(s.engine)
	s.rollback = &rollback.Maker{Repos: s.repos, Engine: s.engine, History: s.history, Host: hostName()}
	s.engine.OnFailure(s.rollback.After)
	s.timetable = newTimetable(s.engine.CheckDue, maxJitter, s.log)
	s.fullTimetable = newTimetable(s.engine.FullCheckDue, maxFullJitter, s.log)
	s.engine.OnWanted(func(app name.App, schedule, full string) {
		s.timetable.set(app, schedule)
		s.fullTimetable.set(app, full)
	})
	s.keeper = drift.New(s.engine, s.log)
	return nil
}

// hostName is the host part of the addresses of rollbacks' authors.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// keptEvents is the number of events that the server remembers, about 300 bytes each.
const keptEvents = 1000

// buildDoors makes the SSH and the HTTP server.
func (s *server) buildDoors() (err error) {
	register, policy, err := s.openAccess()
	if err != nil {
		return err
	}
	policy.Reserve(name.Repo(s.config.Self.Repository))
	s.engine.Sees = func(caller access.Caller, repo name.Repo) bool {
		return policy.Allows(caller, access.ReadRepo, access.Subject{Repo: repo})
	}
	s.door = &push.Door{Repos: s.repos, Engine: s.engine, Policy: policy, Rules: s.rules, KeyFiles: s.keyring.Directory, Trail: s.trail, Socket: s.socket, Grants: s.grantOf, Disk: func() error { return s.disk.state(time.Now()) }, Fence: s.fence.Check, Traces: s.traces, Log: s.log}
	source := s.buildBackups()
	if err := s.buildNotifier(); err != nil {
		return err
	}
	s.rules.OnTake(s.rulesMoved)
	s.door.Refused = s.notifier.Refused
	s.refusals = refusal.Open(s.path("refused"), s.fence.Check)
	s.door.Refusals, s.door.PageOf = s.refusals, s.pageOf
	s.buildMirrors()
	s.register = register
	s.tokens = token.Open(s.path("tokens.json"), s.fence.Check, s.log)
	desk := &command.Desk{
		Repos: s.repos, Engine: s.engine, History: s.history, Rollback: s.rollback, Fleet: s.fleet, Policy: policy, Trail: s.trail, Events: s.events,
		Rules: s.rules.Current, Book: s.rules, KeyFiles: s.keyring.Directory,
		Tokens: s.tokens, TokenLife: command.TokenLife{Usual: s.config.HTTP.TokenLife, Longest: s.config.HTTP.MaxToken},
		Backups: source, Offsite: s.backups, Notifier: s.notifier, Refusals: s.refusals, Mirrors: s.mirrors, Remotes: s.remotes, Doctor: s.doctor(),
		Drain: s.askToStop, Leaving: s.leaving, Leads: command.Leadership{Lease: s.config.Lease, Holder: holder(), Since: time.Now()},
		Version: s.version, HostKey: ssh.FingerprintSHA256(s.hostKey.PublicKey()),
		Recipient: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hostKey.PublicKey()))), Log: s.log,
	}
	s.desk = desk
	s.ssh, err = sshd.New(sshd.Config{
		HostKeys: []ssh.Signer{s.hostKey},
		Keys:     register,
		Log:      s.log,
		Trail:    s.trail,
		Handlers: sshd.Handlers{
			Git: func(ctx context.Context, session *sshd.Session, service, path string) int {
				return s.door.Serve(ctx, session, git.Service(service), path)
			},
			Command: func(ctx context.Context, session *sshd.Session, args []string) int {
				return desk.Run(ctx, session, args)
			},
		},
		Advertise: s.config.SSH.Advertised(),
		Limits:    sshLimits(s.config.SSH),
	})
	return err
}

// run listens, starts the parts and waits for a reason to stop.
func (s *server) run(ctx context.Context, out io.Writer, reload <-chan os.Signal) error {
	defer s.close()
	if err := s.serveProbes(); err != nil {
		return err
	}
	if err := s.serveMetrics(); err != nil {
		return err
	}
	if err := s.openPages(); err != nil {
		return err
	}
	if err := s.serveDebug(s.failed); err != nil {
		return err
	}
	serve, address, err := s.sshDoor()
	if err != nil {
		return err
	}
	s.engine.Start(func(err error) { s.failed <- err })
	s.timetable.every(tidyEvery, s.tidy)
	s.timetable.every(freeEvery, new(memory).free)
	s.timetable.every(expiryEvery, s.noteExpired())
	s.timetable.every(expiryEvery, s.keepTokens)
	s.measure()
	watchCollections()
	s.timetable.start()
	s.fullTimetable.start()
	s.mirrorTable.start()
	s.mirrors.Start()
	s.remotes.Start()
	s.backups.Start()
	s.notifier.Start()
	serve()
	watching, done := context.WithCancel(context.Background())
	defer done()
	s.background.Go(func() { s.checkRestored(watching) })
	s.background.Go(func() { s.announcer.Run(watching) })
	s.background.Go(func() { s.fence.Watch(watching) })
	s.background.Go(func() { s.watchLease(watching) })
	s.phase.Store(int32(serving))
	s.log.Info("serving: " + s.describe(address))
	_ = s.disk.state(time.Now()) // logs the state
	fmt.Fprintf(out, "host key %s\nready\n", s.ssh.Fingerprints()[0])
	s.notify(stateReady)
	if s.reloadLater {
		s.reload()
	}
	for {
		select {
		case <-reload:
			s.reload()
		case err := <-s.failed:
			s.stop(s.hasHeir())
			return err
		case <-s.fence.Fell():
			return s.stopStale()
		case <-s.drain:
			s.stop(s.hasHeir())
			return s.fence.Err()
		case <-ctx.Done():
			s.stop(s.hasHeir())
			return s.fence.Err() // a stale server has not stopped well
		}
	}
}

// sshDoor opens the listener for ssh connections, unless there is one already. The server
// serves them once serve is called.
func (s *server) sshDoor() (serve func(), address net.Addr, err error) {
	if s.front != nil {
		serve, err = s.front.prepare(s)
		return serve, s.front.listener.Addr(), err
	}
	listener, err := s.listen(s.config.SSH.Address, "ssh.addr")
	if err != nil {
		return nil, nil, err
	}
	return func() { s.background.Go(func() { s.failed <- s.ssh.Serve(listener) }) }, listener.Addr(), nil
}

// describe says who serves, what and where, for the log.
func (s *server) describe(ssh net.Addr) string {
	doors := "ssh " + ssh.String()
	if s.httpAddr != nil {
		doors += ", http " + s.httpAddr.String()
	}
	clusters := slices.Sorted(maps.Keys(s.config.Clusters))
	return fmt.Sprintf("pushboat %s, %s, data %s, clusters %s", s.version, doors, s.config.Data, strings.Join(clusters, ", "))
}

// tidyEvery is the interval at which the packs of each repository are rolled up if
// there are many.
const tidyEvery = 10 * time.Minute

// tidy rolls up the packs that pushes and records have created.
func (s *server) tidy(ctx context.Context) {
	s.refusals.Tidy()
	repos, err := s.repos.List()
	if err != nil {
		s.log.Warnf("tidy repositories: %v", err)
		return
	}
	for _, repo := range repos {
		repository, err := s.repos.Open(repo)
		if err == nil {
			err = repository.Maintain(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.WithField("repository", repo).Warnf("tidy: %v", err)
		}
	}
}

// close releases resources in the opposite order of opening.
func (s *server) close() {
	if s.renderers != nil {
		s.renderers.Close()
	}
	s.keys.Close()
	s.traces.Close()
	if s.probes != nil {
		_ = s.probes.Close() // a probe is no loss
	}
	for _, door := range []*http.Server{s.debug, s.metrics} {
		if door != nil {
			_ = door.Close()
		}
	}
	s.background.Wait()
	if s.cancel != nil {
		s.cancel()
	}
	if s.fleet != nil {
		endWatches(s.cancel, s.fleet.Clusters())
	}
	if s.socket != nil {
		if err := s.socket.Close(); err != nil {
			s.log.Warnf("close the hook socket: %v", err)
		}
	}
	s.closeTrail()
	if s.history != nil {
		s.history.Close()
	}
	if s.sealed != nil {
		_ = s.sealed.Close() // nothing is unwritten
	}
	if s.repos != nil {
		if err := s.repos.Close(); err != nil {
			s.log.Warnf("close the repositories: %v", err)
		}
	}
	if s.lease != nil { // last: a standby begins at once
		s.lease.Release()
	}
}
