package converge

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/test/server"
)

var faultsMost = flag.Int("faults", 20, "how many random faults the soak makes")

const (
	// segmentMost is the most faults between two times of quiet, at which the cluster must
	// match Git, so that the cause of a failure is not far back. One server runs in a
	// segment, and two in the next.
	segmentMost = 40
	// paceWithin is the longest pause between two faults if there is no sign of life.
	paceWithin = 1500 * time.Millisecond
	// paceSigns is the most signs of life between two faults.
	paceSigns = 25
	// soakPatience is how long it may take until the cluster matches Git, on a very busy
	// machine.
	soakPatience = 5 * time.Minute
)

// storm makes faults, one after the other, while writers push.
type storm struct {
	*world
	fleet       *fleet
	writers     []*writer
	backups     *backups
	outages     *outages
	inventories *inventories
	audits      *auditLogs
	signs       *signs
	disk        *server.Disk // has the servers' data; nil if no disk can be mounted here

	begun     time.Time
	counts    map[string]int // how often each fault was made, by name
	lasting   []*lasting
	struck    *run          // the server whose fault has to be undone or waited for
	length    time.Duration // of the faults that last a moment
	full      bool          // whether the disk is full
	apiAt     int           // step of the last fault of the API server
	stop      chan struct{} // closed to end the writers
	running   sync.WaitGroup
	backingUp atomic.Bool
	before    refs // the refs at the last time of quiet
	writes    int  // how many writes of servers to the cluster were checked
}

// lasting is a fault that is not over yet.
type lasting struct {
	fault
	since time.Time
}

// TestSoak makes random faults during pushes: servers are killed, frozen, cut off, stopped
// and drained, the API server restarts, the disk is full, backups are taken. Again and
// again it waits for quiet: then every acknowledged push must be in the repositories, no
// ref may have moved back, the cluster must match Git, and no server may have written to
// the cluster after another one took its place. The same seed gives the same faults and
// pushes; how they coincide depends on the machine.
func TestSoak(t *testing.T) {
	chosen := chooseSeed()
	t.Logf("seed %d; repeat with: make soak FAULTS=%d SEED=%d", chosen, *faultsMost, chosen)
	s := newStorm(t, chosen)
	size := min(segmentMost, max(1, *faultsMost/2))
	for i := 0; s.step < *faultsMost; i++ {
		s.segment(min(size, *faultsMost-s.step), i%2 == 1)
	}
	s.must(s.fleet.start(false))
	s.converge()
	s.must(s.repositories())
	s.must(s.fleet.stop())
	s.must(s.noStaleWrites())
	s.must(s.inventories.wrong())
	s.report(chosen)
}

// newStorm makes a world with a fleet of servers, and starts their watchers.
func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{
		world: newGround(t, seed, t.TempDir()), signs: newSigns(), outages: &outages{},
		inventories: &inventories{epochs: map[string]int64{}}, counts: map[string]int{},
	}
	s.patience = soakPatience
	s.audits = &auditLogs{dir: s.audit, read: map[uint64]int64{}}
	s.ownDisk()
	var err error
	s.fleet, err = newFleet(s.home, s.cluster.Kubeconfig, s.signs)
	s.must(err)
	t.Cleanup(s.end)
	s.must(s.prepare())
	lease := place{"Namespace", "", "soak-lease"}
	s.must(s.plant(lease, nil))
	delete(s.canaries, lease) // its controller writes to it
	s.must(s.fleet.start(false))
	s.newBranches()
	s.begin()
	s.converge()
	for i, b := range s.branches {
		s.writers = append(s.writers, newWriter(s.world, b, seed+uint64(i), s.signs))
	}
	s.backups = &backups{world: s.world, writers: s.writers, dir: t.TempDir()}
	s.before, err = s.readRefs(s.home.Path("data", "repos"))
	s.must(err)
	s.must(s.fleet.stop())
	s.watch()
	s.begun = time.Now()
	return s
}

// ownDisk puts the servers' data on a disk that can be filled.
func (s *storm) ownDisk() {
	if !server.CanMount() {
		s.t.Log("no file system can be mounted here, so no fault fills the disk")
		return
	}
	var err error
	s.disk, err = server.MountDisk(s.home.Path("data"))
	s.must(err)
	s.t.Cleanup(func() { _ = s.disk.Unmount() })
}

// watch starts to watch everything that cannot be seen any more when all is quiet.
func (s *storm) watch() {
	ctx, cancel := context.WithCancel(s.ctx)
	var watches sync.WaitGroup
	s.t.Cleanup(func() {
		cancel()
		watches.Wait()
	})
	config, err := clientcmd.BuildConfigFromFlags("", s.home.Path("kubeconfig"))
	s.must(err)
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	s.must(err)
	watches.Go(func() { s.inventories.follow(ctx, client) })
	watches.Go(func() { s.followEpoch(ctx) })
	watches.Go(func() {
		if err := s.outages.probe(ctx, s.fleet.front.Address(), s.home.Path("ssh", "ana.key")); err != nil {
			s.fleet.fail(err)
		}
	})
}

// followEpoch notes each epoch of the data directory. It polls, because no event announces
// a new epoch.
func (s *storm) followEpoch(ctx context.Context) {
	for ctx.Err() == nil {
		if e, err := datadir.ReadEpoch(s.home.Path("data")); err == nil {
			s.fleet.see(e)
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery / 8):
		}
	}
}

// end kills the processes that a failure has left running, and shows the servers' logs.
func (s *storm) end() {
	if s.stop != nil && !isClosed(s.stop) {
		close(s.stop)
	}
	s.fleet.kill()
	for _, p := range s.writers {
		p.end()
	}
	s.running.Wait()
	if s.t.Failed() {
		s.t.Logf("the last servers:\n%s", s.fleet.logs())
	}
}

// startAPI starts the API server again, at the address that its clients know.
func (s *storm) startAPI() error {
	s.apiAt = s.step
	if err := s.startCluster(); err != nil {
		return err
	}
	return s.fleet.lead(s.cluster.Config.Host)
}

func (s *storm) isBackingUp() bool { return s.backingUp.Load() }

// segment makes some faults, and then waits for quiet.
func (s *storm) segment(size int, paired bool) {
	s.must(s.fleet.start(paired))
	s.stop = make(chan struct{})
	for _, p := range s.writers {
		s.running.Go(func() {
			if err := p.run(s.stop); err != nil {
				s.fleet.fail(err)
			}
		})
	}
	for range size {
		s.step++
		s.one()
	}
	s.calm()
	s.must(s.fleet.stop())
}

// one makes one fault, after some signs of life since the last one.
func (s *storm) one() {
	s.signs.await(s.rand.IntN(paceSigns), paceWithin)
	s.must(s.undo())
	f := s.draw()
	s.counts[f.name]++
	s.outages.fault(f.name)
	s.say("%s, at %s", f.name, time.Since(s.begun).Round(time.Second))
	s.length = time.Duration(s.rand.Int64N(int64(momentMost)))
	s.must(f.do(s))
	if f.over != nil {
		s.lasting = append(s.lasting, &lasting{f, time.Now()})
	}
	s.must(s.fleet.trouble())
}

// draw draws one of the faults that may happen now.
func (s *storm) draw() fault {
	weight := func(f fault) int {
		switch {
		case f.may != nil && !f.may(s):
			return 0
		case s.fleet.isPaired():
			return f.pair
		}
		return f.alone
	}
	var able []fault
	var weights []int
	total := 0
	for _, f := range faults {
		if n := weight(f); n > 0 {
			able, weights, total = append(able, f), append(weights, n), total+n
		}
	}
	n := s.rand.IntN(total)
	for i, f := range able {
		if n -= weights[i]; n < 0 {
			return f
		}
	}
	return able[0]
}

// undo undoes the faults that are over.
func (s *storm) undo() error {
	var still []*lasting
	for _, l := range s.lasting {
		if !l.over(s, l.since) {
			still = append(still, l)
			continue
		}
		if err := l.undo(s); err != nil {
			return fmt.Errorf("after %q: %w", l.name, err)
		}
	}
	s.lasting = still
	return nil
}

// calm waits for quiet, and checks everything that must be so then.
func (s *storm) calm() {
	s.t.Helper()
	late := time.After(leadsWithin)
	for len(s.lasting) > 0 {
		s.must(s.undo())
		s.must(s.fleet.trouble())
		select {
		case <-time.After(probeEvery):
		case <-late:
			s.t.Fatalf("step %d: %q is not over after %s:\n%s", s.step, s.lasting[0].name, leadsWithin, s.fleet.logs())
		}
	}
	s.must(s.fleet.awaitLeader())
	close(s.stop)
	s.running.Wait()
	s.must(s.fleet.trouble())
	s.settled()
	s.must(s.noStaleWrites()) // checked first, because stale writes explain a cluster that does not match Git
	s.converge()
	s.must(s.inventories.wrong())
	if s.step%(4*segmentMost) == 0 {
		s.must(s.repositories())
	}
	s.say("all is as it should be, at %s", time.Since(s.begun).Round(time.Second))
}

// settled compares the refs with the acknowledged pushes, and updates the model from them.
func (s *storm) settled() {
	s.t.Helper()
	now, err := s.readRefs(s.home.Path("data", "repos"))
	s.must(err)
	s.must(s.before.setBack(now, s.goesOn(s.home.Path("data", "repos"))))
	s.before = now
	for _, p := range s.writers {
		key := p.branch.repo + " " + p.branch.full()
		moves, err := s.moves(p.branch)
		s.must(err)
		if err := p.ledger.settle(now[key]); err != nil {
			s.t.Fatalf("step %d: %s %v", s.step, key, err)
		}
		if err := p.ledger.rewound(moves); err != nil {
			s.t.Fatalf("step %d: %s %v", s.step, key, err)
		}
		for tag, commit := range p.ledger.keptTags() {
			if at := now[p.branch.repo+" "+tag]; at != commit {
				s.t.Fatalf("step %d: %s of %s is at %q, not at %s", s.step, tag, p.branch.repo, at, commit)
			}
		}
		s.accept(p.branch, now[key])
	}
}

// noStaleWrites checks what the API server has logged since the last time.
func (s *storm) noStaleWrites() error {
	writes, err := s.audits.next(fmt.Sprintf("%d.log", s.runs))
	if err != nil {
		return err
	}
	s.writes += len(writes)
	return stale(writes, s.fleet.allReigns())
}
