package history

import (
	"hash/fnv"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

func TestManifestPath(t *testing.T) {
	long := strings.Repeat("a", 253)
	for id, want := range map[manifest.ID]string{
		{Kind: "ConfigMap", Namespace: "shop", Name: "web"}:                                        "manifests/shop/ConfigMap/web.yaml",
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web.v1"}:                     "manifests/shop/Deployment.apps/web.v1.yaml",
		{Kind: "Namespace", Name: "shop"}:                                                          "manifests/_cluster/Namespace/shop.yaml",
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:a b"}:              "manifests/_cluster/ClusterRole.rbac.authorization.k8s.io/system%3Aa%20b.yaml",
		{Group: "rbac.authorization.k8s.io", Kind: "Role", Namespace: "shop", Name: ".git"}:        "manifests/shop/Role.rbac.authorization.k8s.io/%2Egit.yaml",
		{Kind: "..", Namespace: "../..", Name: "../x\n"}:                                           "manifests/%2E.%2F../%2E./%2E.%2Fx%0A.yaml",
		{Group: "rbac.authorization.k8s.io", Kind: "Role", Namespace: "shop", Name: "ü"}:           "manifests/shop/Role.rbac.authorization.k8s.io/%C3%BC.yaml",
		{Kind: "ConfigMap", Namespace: "shop", Name: long}:                                         "manifests/shop/ConfigMap/" + long[:178] + "~" + digestOf(long) + ".yaml",
		{Kind: "ConfigMap", Namespace: "shop", Name: strings.Repeat("a", maxSegment-len(".yaml"))}: "manifests/shop/ConfigMap/" + strings.Repeat("a", maxSegment-len(".yaml")) + ".yaml",
	} {
		got := manifestPath(id)
		if got != want {
			t.Errorf("%q is at\n  %s, want\n  %s", id, got, want)
		}
		if !fs.ValidPath(got) {
			t.Errorf("%s is no path", got)
		}
	}
}

// FuzzSegment: different names never share a file.
func FuzzSegment(f *testing.F) {
	f.Add("web", "web.v1")
	f.Add("system:node", "system%3Anode")
	f.Add(strings.Repeat("a", 253), strings.Repeat("a", 252)+"b")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := segment(a, ".yaml"), segment(b, ".yaml")
		if (a == b) != (one == other) {
			t.Errorf("%q and %q are %q and %q", a, b, one, other)
		}
		if len(one) > maxSegment || !fs.ValidPath(one) || strings.Contains(one, "/") || strings.HasPrefix(one, ".") {
			t.Errorf("%q is %q", a, one)
		}
	})
}

// TestShards: an object's notes are in the file in which earlier versions put them, by the
// FNV-1a hash of the object's key.
func TestShards(t *testing.T) {
	for _, id := range []manifest.ID{webID(1), {Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "ü"}, {}} {
		sum := fnv.New32a()
		sum.Write([]byte(id.Key()))
		if got, want := shardOf(id, 256), int(sum.Sum32()%256); got != want {
			t.Errorf("%s is in shard %d, want %d", id, got, want)
		}
	}
}

func TestNotesAreReadBack(t *testing.T) {
	odd := manifest.ID{Group: "rbac.authorization.k8s.io", Kind: "Role", Namespace: "shop", Name: "a \"b\"\nc"}
	noted := map[manifest.ID]record.Noted{webID(1): {Digest: "d", Fingerprint: "f"}, odd: {Digest: "e"}}
	text := writeShard([]manifest.ID{webID(1), odd}, noted)
	read := map[manifest.ID]record.Noted{}
	if err := readShard(read, string(text)); err != nil || !maps.Equal(read, noted) {
		t.Errorf("read %v, %v from\n%s", read, err, text)
	}
	for _, bad := range []string{"x\n", "d f unquoted\n", "d f \"no/key\"\n"} {
		if err := readShard(read, bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestShardsGrowWithTheApp(t *testing.T) {
	for objects, want := range map[int]int{0: 1, 32: 1, 33: 2, 200: 8, 10_000: 256, 100_000: 256} {
		if got := shardsFor(objects); got != want {
			t.Errorf("%d objects: %d files, want %d", objects, got, want)
		}
	}
}

func digestOf(name string) string {
	_, digest, _ := strings.Cut(strings.TrimSuffix(segment(name, ".yaml"), ".yaml"), "~")
	return digest
}
