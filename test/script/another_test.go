package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	testcluster "github.com/pushboat/pushboat/test/cluster"
)

// another is a further devcluster of a script, with a name.
type another struct {
	dir     string
	running *testcluster.Cluster // nil while it is stopped
	objects *cluster
}

// anotherUsage is the usage of the command another.
const anotherUsage = "another NAME start|stop|empty"

// cmdAnother starts a further devcluster, stops it, or starts it again with nothing in it.
func cmdAnother(ts *testscript.TestScript, args []string) error {
	s := on(ts)
	if s.cluster.audit == nil && s.own == nil {
		return errors.New("the cluster was not started for this run; begin with: [!requests] skip")
	}
	found := s.others[args[0]]
	if found == nil {
		found = &another{dir: s.Path("cluster-" + args[0])}
		if s.others == nil {
			s.others = map[string]*another{}
		}
		s.others[args[0]] = found
	}
	switch args[1] {
	case "start":
		return found.start(ts)
	case "stop":
		return found.stop()
	case "empty":
		return errors.Join(found.stop(), os.RemoveAll(filepath.Join(found.dir, "etcd")), found.start(ts))
	}
	return fmt.Errorf("usage: %s", anotherUsage)
}

// start starts the devcluster. It keeps its port.
func (a *another) start(ts *testscript.TestScript) (err error) {
	a.running, err = testcluster.StartDevcluster(context.WithoutCancel(on(ts).t.Context()), a.dir, testcluster.Options{})
	if err != nil {
		return err
	}
	a.objects, err = newCluster(a.running)
	return err
}

// stop stops the devcluster if it is running.
func (a *another) stop() (err error) {
	if a.running != nil {
		err = a.running.Stop()
	}
	a.running = nil
	return err
}

// cmdAt runs k on another devcluster: at NAME k ….
func cmdAt(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if len(args) < 3 || args[1] != "k" || s.others[args[0]] == nil {
		ts.Fatalf("usage: at NAME k …, with the name of another cluster")
	}
	defer func(first *cluster) { s.cluster = first }(s.cluster)
	s.cluster = s.others[args[0]].objects
	cmdObjects(ts, neg, args[2:])
}
