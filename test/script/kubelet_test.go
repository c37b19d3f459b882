package script

import (
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	testcluster "github.com/pushboat/pushboat/test/cluster"
)

const kubeletUsage = "kubelet says FILE | asked PATTERN | ends"

// startKubelet starts the one kubelet that all scripts of a run share.
var startKubelet = sync.OnceValue(testcluster.StartKubelet)

// cmdKubelet makes the containers of the script's namespace print something.
func cmdKubelet(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	k := startKubelet()
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: %s", kubeletUsage)
	case args[0] == "says" && len(args) == 2:
		text, err := os.ReadFile(ts.MkAbs(args[1]))
		ts.Check(err)
		ts.Check(k.TakeOver(s.cluster.dynamic))
		k.Say(s.ns, string(text))
	case args[0] == "asked" && len(args) == 2:
		if !k.AwaitAsked(s.ns, args[1]) {
			ts.Fatalf("no node got a request with %s", args[1])
		}
	case args[0] == "ends" && len(args) == 1:
		k.End(s.ns)
	default:
		ts.Fatalf("usage: %s", kubeletUsage)
	}
}
