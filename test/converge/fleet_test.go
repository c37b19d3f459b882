package converge

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/test/server"
)

const (
	// soakLease is the lease of the servers that stand by for each other.
	soakLease = "soak-lease/pushboat"
	// leadsWithin is how long it may take until a server serves, on a very busy machine,
	// while the API server may be down at times.
	leadsWithin = 4 * time.Minute
	// restartAfter is the pause before a server that has ended is started again.
	restartAfter = 200 * time.Millisecond
)

// fleet keeps servers running on one data directory, as a service manager does: one server,
// or one that serves and one that stands by. Clients connect to the serving one through a
// line.
type fleet struct {
	home  *server.Home
	front *server.Line // from clients to the server that serves
	posts []*post
	signs *signs

	once sync.Once // for writing the clients' configuration
	done sync.WaitGroup

	mu      sync.Mutex
	flags   []string // of all servers
	paired  bool
	closing bool
	next    int // for names of servers
	leader  *run
	reigns  []reign
	taken   map[cause][]time.Duration // how long each standby took until it served, by the cause of its predecessor's end
	struck  time.Time                 // when the last server was struck
	by      cause                     // the cause of that
	past    []*run                    // the last servers that have ended
	errs    []error
	changed chan struct{}
}

// post is a place where one server runs at a time.
type post struct {
	config *api.Config  // leads to the cluster through the line
	line   *server.Line // to the cluster
	now    *run
}

// run is one process of a server.
type run struct {
	name    string // its user in the cluster's audit log
	at      *post
	process *server.Process
	why     cause
}

// newFleet makes posts for two servers of a cluster.
func newFleet(home *server.Home, kubeconfig string, signs *signs) (*fleet, error) {
	front, err := server.NewLine("127.0.0.1:1") // nothing answers at this address
	if err != nil {
		return nil, err
	}
	f := &fleet{home: home, front: front, signs: signs, taken: map[cause][]time.Duration{}, changed: make(chan struct{})}
	for range 2 {
		config, err := server.ReadKubeconfig(kubeconfig)
		if err != nil {
			return nil, err
		}
		line, err := server.OpenLine(config)
		if err != nil {
			return nil, err
		}
		f.posts = append(f.posts, &post{config: config, line: line})
	}
	return f, nil
}

// lead makes the servers' lines lead to the API server's present address.
func (f *fleet) lead(host string) error {
	var errs []error
	for _, p := range f.posts {
		errs = append(errs, p.line.Lead(host))
	}
	return errors.Join(errs...)
}

// start starts one server or two, and returns when one serves.
func (f *fleet) start(paired bool) error {
	f.mu.Lock()
	f.closing, f.paired, f.flags, f.by = false, paired, nil, none
	posts := f.posts[:1]
	if paired {
		f.flags, posts = []string{"--lease", soakLease}, f.posts
	}
	f.mu.Unlock()
	for _, p := range posts {
		f.done.Go(func() { f.keep(p) })
	}
	return f.awaitLeader()
}

// keep keeps a server running at a post until the fleet is stopped.
func (f *fleet) keep(p *post) {
	for {
		r, err := f.spawn(p)
		if err != nil {
			f.fail(err)
			return
		}
		if r == nil {
			return
		}
		if r.process.Serves(24*time.Hour) == nil {
			f.serves(r)
		}
		status, err := r.process.Wait()
		f.ended(r, status, err)
		<-time.After(restartAfter)
	}
}

// spawn starts a server with a new name at a post. It returns nil if the fleet is to stop.
func (f *fleet) spawn(p *post) (*run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return nil, nil //nolint:nilnil // nil means that no server was started
	}
	f.next++
	r := &run{name: fmt.Sprintf("%s%d", serverPrefix, f.next), at: p}
	config := p.config.DeepCopy()
	user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
	user.Impersonate, user.ImpersonateGroups = r.name, []string{"system:masters"}
	path := f.home.Path("kubeconfig-" + r.name)
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return nil, err
	}
	var err error
	r.process, err = f.home.Spawn(append([]string{"--kubeconfig", path}, f.flags...))
	p.now = r
	return r, err
}

// servingAt matches the line in which a server logs its address when it begins to serve.
var servingAt = regexp.MustCompile(`serving: pushboat [^,]*, ssh (127\.0\.0\.1:\d+)`)

// serves notes that a server serves, and leads clients to that server.
func (f *fleet) serves(r *run) {
	if r.process.Log().Await(servingAt) != nil {
		return // the server was killed before it could report this
	}
	at := servingAt.FindStringSubmatch(r.process.Log().Text())[1]
	if err := f.front.Lead("ssh://" + at); err != nil {
		f.fail(err)
	}
	f.once.Do(func() {
		host, port, err := net.SplitHostPort(f.front.Address())
		if err := errors.Join(err, f.home.Point(host, port)); err != nil {
			f.fail(err)
		}
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leader = r
	if f.paired && f.by != none {
		f.taken[f.by] = append(f.taken[f.by], time.Since(f.struck))
	}
	f.by = none
	f.tell()
}

// see notes the epoch of the data directory.
func (f *fleet) see(e datadir.Epoch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.reigns); n > 0 && f.reigns[n-1].epoch >= e.Number {
		return
	}
	for _, p := range f.posts {
		if p.now != nil && strings.HasSuffix(e.Holder, fmt.Sprintf(", process %d", p.now.process.PID())) {
			f.reigns = append(f.reigns, reign{server: p.now.name, epoch: e.Number})
		}
	}
}

// ended notes how a server has ended.
func (f *fleet) ended(r *run, status int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := r.process.Log().Text()
	ending := ending{why: r.why, paired: f.paired, status: status, log: log}
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("%s: %w", r.name, err))
	}
	if wrong := ending.wrong() + r.process.Crash(); wrong != "" {
		f.errs = append(f.errs, fmt.Errorf("%s %s; it said:\n%s", r.name, wrong, lastLines(log)))
	}
	if f.leader == r {
		f.leader = nil
	}
	f.past = append(f.past, r)
	f.past = f.past[max(0, len(f.past)-pastRuns):]
	f.tell()
}

// pastRuns is the number of ended servers whose logs are shown after a failure.
const pastRuns = 6

func (f *fleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
	f.tell()
}

// trouble returns an error if a server has done something wrong.
func (f *fleet) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

// tell wakes the callers that wait for a change. f.mu is held.
func (f *fleet) tell() {
	close(f.changed)
	f.changed = make(chan struct{})
	f.signs.tell()
}

// serving is the server that serves; nil if no server does.
func (f *fleet) serving() *run {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leader
}

// untouched is the server that serves; nil if no server serves, or if something was done to
// it that makes it end.
func (f *fleet) untouched() *run {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leader == nil || f.leader.why != none {
		return nil
	}
	return f.leader
}

// waiting is the server that stands by; nil if no server does.
func (f *fleet) waiting() *run {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posts {
		if f.paired && p.now != nil && p.now != f.leader && p.now.process.Running() {
			return p.now
		}
	}
	return nil
}

// strike notes a fault of a server, and then causes the fault.
func (f *fleet) strike(r *run, why cause, does func() error) error {
	f.mu.Lock()
	r.why = max(r.why, why)
	if f.leader == r {
		f.struck, f.by = time.Now(), why
	}
	f.mu.Unlock()
	if err := does(); err != nil && r.process.Running() {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// awaitLeader returns when a server serves.
func (f *fleet) awaitLeader() error {
	return f.await("no server serves", func() bool { return f.leader != nil })
}

// await waits until a condition is true. f.mu is held while it is checked.
func (f *fleet) await(otherwise string, so func() bool) error {
	for late := time.After(leadsWithin); ; {
		f.mu.Lock()
		is, changed, err := so(), f.changed, errors.Join(f.errs...)
		f.mu.Unlock()
		if is || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-late:
			return fmt.Errorf("%s after %s:\n%s", otherwise, leadsWithin, f.logs())
		}
	}
}

// stop stops all servers in good order. The one that stands by is stopped first, so that it
// does not take over.
func (f *fleet) stop() error {
	f.mu.Lock()
	f.closing = true
	runs := []*run{}
	for _, p := range f.posts {
		if p.now != nil && p.now != f.leader {
			runs = append(runs, p.now)
		}
	}
	if f.leader != nil {
		runs = append(runs, f.leader)
	}
	f.mu.Unlock()
	var errs []error
	for _, r := range runs {
		if r.process.Running() {
			errs = append(errs, f.strike(r, asked, func() error { return r.process.Signal(syscall.SIGTERM) }))
		}
		_, _ = r.process.Wait() // the method ended checks how it ended
	}
	f.done.Wait()
	return errors.Join(append(errs, f.trouble())...)
}

// kill ends all servers at once, after a failure.
func (f *fleet) kill() {
	f.mu.Lock()
	f.closing = true
	for _, p := range f.posts {
		if p.now != nil && p.now.process.Running() {
			p.now.why = killed
			_ = p.now.process.Signal(syscall.SIGKILL) // SIGKILL ends a frozen server too
		}
	}
	f.mu.Unlock()
	f.done.Wait()
	f.front.Off()
	for _, p := range f.posts {
		p.line.Off()
	}
}

// isPaired reports whether two servers run.
func (f *fleet) isPaired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paired
}

// allReigns are the reigns of all servers so far, in order.
func (f *fleet) allReigns() []reign {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.reigns)
}

// takenAfter lists how long it took until another server served, for each end of a server
// by the given cause. The shortest time is first.
func (f *fleet) takenAfter(why cause) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var taken []time.Duration
	for _, d := range f.taken[why] {
		taken = append(taken, d.Round(10*time.Millisecond))
	}
	return slices.Sorted(slices.Values(taken))
}

// logs are the last lines of the running servers, and of those that ended last.
func (f *fleet) logs() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	runs := slices.Clone(f.past)
	for _, p := range f.posts {
		if p.now != nil && !slices.Contains(runs, p.now) {
			runs = append(runs, p.now)
		}
	}
	var text strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&text, "--- %s (running: %t)\n%s\n", r.name, r.process.Running(), lastLines(r.process.Log().Text()))
	}
	return text.String()
}
