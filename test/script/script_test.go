// Package script runs the scripts of this folder. Each uses real git and real ssh with a
// server of its own, which deploys to a real API server. README.md explains how to write
// one.
package script

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pushboat/pushboat/internal/backup/bucket/buckettest"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
	testcluster "github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// atOnce is how many scripts run at the same time, unless go test got a number with
// -parallel. Scripts wait for processes more than they compute, so four fit on two cores.
const atOnce = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestScripts runs every script, or those that -run TestScripts/NAME names.
func TestScripts(t *testing.T) {
	programs := server.Build(t)
	cluster := startCluster(t)
	if !keepWork() {
		// testscript removes its own folder only if all scripts have run.
		t.Setenv("GOTMPDIR", t.TempDir())
	}
	testscript.Run(t, testscript.Params{
		Dir:                ".",
		RequireUniqueNames: true,
		Cmds:               commands,
		Condition:          cluster.condition,
		Setup: func(env *testscript.Env) error {
			return setUp(env, programs, cluster)
		},
	})
}

// keepWork reports whether the flag -testwork was given, which keeps the folders.
func keepWork() bool {
	work := flag.Lookup("testwork") // a flag of testscript
	return work != nil && work.Value.String() == "true"
}

// stage has everything that belongs to one script.
type stage struct {
	t testing.TB
	*server.Home
	app, ns  string // names that no other script has
	cluster  *cluster
	line     *server.Line
	mark     int // how many requests the server had made at the last "requests mark"
	charts   *chartstest.Registry
	signing  *signing // of charts
	bucket   *buckettest.Server
	receiver *receiver
	told     *told
	upstream *upstream
	disk     *server.Disk         // mounted at DATA; nil if the script has none of its own
	own      *testcluster.Cluster // started for this script only; nil for most scripts
	others   map[string]*another  // started beside it, by name
	browsers map[string]*browsing // by name

	assistants map[string]*assistant // by operator
	streams    map[string]*streaming // of the API, by name
}

type stageKey struct{}

// on returns the stage of a running script.
func on(ts *testscript.TestScript) *stage {
	return ts.Value(stageKey{}).(*stage)
}

// setUp gives a script its stage and its environment.
func setUp(env *testscript.Env, programs string, c *cluster) error {
	// The folder has sockets, whose paths may have about a hundred bytes, so that it cannot
	// be inside the script's folder.
	dir, err := os.MkdirTemp("", "pb-")
	if err != nil {
		return err
	}
	name := uniqueName(env.WorkDir)
	s := &stage{
		t: env.T().(testing.TB), Home: &server.Home{Dir: dir, Programs: programs},
		app: name, ns: "ns-" + name, cluster: c,
	}
	env.Values[stageKey{}] = s
	env.Defer(s.strike)
	for _, step := range []func() error{
		func() error { return s.fillIn(env.WorkDir) },
		s.WriteClients,
		s.openLine,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, variable := range s.environment() {
		name, value, _ := strings.Cut(variable, "=")
		env.Setenv(name, value)
	}
	return nil
}

// environment is the environment of a script's programs, besides testscript's own.
func (s *stage) environment() []string {
	return append(server.Identity(),
		"APP="+s.app, "NS="+s.ns, "PB="+s.Dir, "DATA="+s.Path("data"), "LEASE="+cmp.Or(s.cluster.lease, s.ns+"-lease/pushboat"),
		"KEYS="+s.Path("keys"), "KUBECONFIG="+s.Path("kubeconfig"),
		"HOME="+s.Path("home"), "PATH="+s.Path("bin")+":"+s.Programs+":"+os.Getenv("PATH"),
		"GIT_SSH_COMMAND=ssh -F "+s.Path("ssh", "ana"))
}

// openLine opens the script's line to the cluster, and writes the kubeconfig that uses the
// line.
func (s *stage) openLine() (err error) {
	config := s.cluster.kubeconfig.DeepCopy()
	if s.line, err = server.OpenLine(config); err != nil {
		return err
	}
	if s.cluster.token != "" {
		actAs(config, s.cluster.token)
	} else if s.cluster.audit != nil {
		user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
		user.Impersonate, user.ImpersonateGroups = s.auditUser(), []string{"system:masters"}
	}
	return clientcmd.WriteToFile(*config, s.Path("kubeconfig"))
}

// ownCluster starts a devcluster for this script only, which may change it in ways that
// would disturb other scripts. It is called before the script's server starts.
func (s *stage) ownCluster() (err error) {
	if s.cluster.audit == nil {
		return errors.New("the cluster was not started for this run; begin with: [!requests] skip")
	}
	s.own, err = testcluster.Start(context.WithoutCancel(s.t.Context()), s.Path("cluster"), testcluster.Options{})
	if err != nil {
		return err
	}
	if s.cluster, err = newCluster(s.own); err != nil {
		return err
	}
	s.line.Off()
	return s.openLine()
}

// uniqueName makes a name for the script that is short enough to begin the names of
// namespaces (63 bytes).
func uniqueName(workDir string) string {
	name := strings.TrimPrefix(filepath.Base(workDir), "script-")
	name = strings.TrimRight(name[:min(30, len(name))], "-")
	random := make([]byte, 3)
	_, _ = rand.Read(random) // never fails, see its documentation
	return name + "-" + hex.EncodeToString(random)
}

// ownNames matches the variables that may be in a script's files.
var ownNames = regexp.MustCompile(`\$(APP|NS)\b|\$\{(APP|NS)\}`)

// fillIn replaces the variables in the script's files by the script's own names.
func (s *stage) fillIn(workDir string) error {
	return filepath.WalkDir(workDir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(s.withNames(string(text))), 0o666)
	})
}

func (s *stage) withNames(text string) string {
	return ownNames.ReplaceAllStringFunc(text, func(variable string) string {
		if strings.Contains(variable, "NS") {
			return s.ns
		}
		return s.app
	})
}

// strike ends the processes that the script started, and removes its files.
func (s *stage) strike() {
	s.End(s.t)
	if s.line != nil {
		s.line.Off()
	}
	if err := s.cluster.forget(s.app, s.ns); err != nil {
		s.t.Errorf("remove the script's objects from the cluster: %v", err)
	}
	for name, other := range s.others {
		if err := other.stop(); err != nil {
			s.t.Errorf("stop cluster %s: %v", name, err)
		}
	}
	if s.own != nil {
		if err := s.own.Stop(); err != nil {
			s.t.Errorf("stop the script's own cluster: %v", err)
		}
	}
	if err := s.giveDisk(); err != nil {
		s.t.Errorf("unmount the script's own disk: %v", err)
	}
	if keepWork() {
		s.t.Logf("kept %s", s.Dir)
		return
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		s.t.Errorf("remove the script's folder: %v", err)
	}
}
