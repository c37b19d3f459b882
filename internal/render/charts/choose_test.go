package charts

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
)

// TestVersionsThatRefsMayHave: exact ones and ranges of every registry, tags and digests of those
// of OCI.
func TestVersionsThatRefsMayHave(t *testing.T) {
	digest := Digest([]byte("a"))
	for version, want := range map[string]struct{ https, oci, fixed bool }{
		"1.2.3": {true, true, true}, "v1.2.3": {true, true, true}, "1.2.3-rc.1": {true, true, true}, "1.2.3+build.5": {true, true, true},
		"1.2": {true, true, false}, "1": {true, true, false}, "^1.2.3": {true, true, false}, "~1.2": {true, true, false}, ">=1.0.0": {true, true, false},
		"1.x": {true, true, false}, "*": {true, true, false}, "1.2.3 - 2.0.0": {true, true, false}, ">=1.0.0 <2 || 3": {true, true, false},
		"tag:stable": {false, true, false}, digest: {false, true, true},
		"": {}, " ": {}, "latest": {}, "../1.2.3": {}, "tag:": {}, "tag:../x": {}, "tag:a/b": {}, "sha256:abc": {}, strings.Repeat("1", 600): {},
	} {
		https, oci := Ref{Name: "web", Version: version, Repo: "https://example.org"}, Ref{Name: "web", Version: version, Repo: "oci://example.org/charts"}
		if err := https.Check(); (err == nil) != want.https {
			t.Errorf("https: %q: %v", version, err)
		}
		if err := oci.Check(); (err == nil) != want.oci || oci.Fixed() != want.fixed {
			t.Errorf("oci: %q: %v, fixed %v", version, err, oci.Fixed())
		}
	}
}

func TestNewestOfARange(t *testing.T) {
	versions := []string{"1.2.3", "1.10.0", "v1.3.0", "2.0.0-rc.1", "2.0.0", "2.1.0-beta", "nonsense", "1.4", "0.9.0+a"}
	for within, want := range map[string]string{
		"*": "2.0.0", "~1.2": "1.2.3", "1.x": "1.10.0", ">=1.0.0 <1.10.0": "v1.3.0", "^1.2.3 || ^2": "2.0.0", ">=2.0.0-0": "2.1.0-beta", "0.9": "0.9.0+a", "3.x": "",
	} {
		if got, err := newest(within, versions); err != nil || got != want {
			t.Errorf("%s: %q, %v", within, got, err)
		}
	}
}

// TestRangesAreFollowed: of both kinds of registries, the newest version is chosen when somebody
// looks, and not before; what was chosen outlives the store, and a registry that is away.
func TestRangesAreFollowed(t *testing.T) {
	for _, kind := range []string{"http", "oci"} {
		t.Run(kind, func(t *testing.T) {
			r := start(t)
			publish := func(version string) { r.Publish("web", version, []byte(version)) }
			ref := Ref{Name: "web", Version: "~1.2", Repo: r.Repo()}
			if kind == "oci" {
				ref.Repo = r.OCI()
				publish = func(version string) {
					if err := r.Push("web", version, []byte(version)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, version := range []string{"1.1.0", "1.2.0", "1.2.1", "1.3.0", "2.0.0", "1.2.1+x"} {
				publish(version)
			}
			config := Config{Registries: []string{r.Repo(), r.OCI()}, Dir: t.TempDir()}
			s := open(t, config)
			now := time.Now()
			s.now = func() time.Time { return now }
			choose := func(look Look) Choice {
				t.Helper()
				got, err := s.Choose(t.Context(), ref, grant.Names{}, look)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			if got := choose(Recent); got.Version != "1.2.1" && got.Version != "1.2.1+x" {
				t.Fatalf("chosen is %s", got)
			}
			publish("1.2.2")
			if got := choose(Recent); got.Version == "1.2.2" || choose(Known).Version == "1.2.2" {
				t.Errorf("within a minute the registry was asked: %s", got)
			}
			if got := choose(Now); got.Version != "1.2.2" || choose(Known).Version != "1.2.2" {
				t.Errorf("chosen is %s", got)
			}
			publish("1.2.4")
			now = now.Add(2 * time.Minute)
			if got := choose(Known); got.Version != "1.2.2" {
				t.Errorf("it asked for %s", got)
			}
			if got := choose(Recent); got.Version != "1.2.4" {
				t.Errorf("chosen is %s", got)
			}
			data, _, err := getAll(t.Context(), s, choose(Known).Ref, "")
			if err != nil || string(data) != "1.2.4" {
				t.Errorf("it holds %q, %v", data, err)
			}
			s = open(t, config)
			r.Away(true)
			if got := choose(Now); got.Version != "1.2.4" || got.Late == nil {
				t.Errorf("a registry that is away: %+v", got)
			}
			r.Away(false)
			if got := choose(Now); got.Version != "1.2.4" || got.Late != nil {
				t.Errorf("a registry that is back: %+v", got)
			}
			ref.Version = "4.x"
			if _, err := s.Choose(t.Context(), ref, grant.Names{}, Now); !errors.Is(err, errNoVersion) {
				t.Errorf("no version: %v", err)
			}
		})
	}
}

// TestTagsAreFollowed: a tag means the manifest that it names when somebody looks.
func TestTagsAreFollowed(t *testing.T) {
	r := start(t)
	s := open(t, Config{Registries: []string{r.OCI()}})
	ref := Ref{Name: "web", Version: "tag:stable", Repo: r.OCI()}
	var before string
	for _, content := range []string{"one", "two"} {
		if err := r.Push("web", "stable", []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Choose(t.Context(), ref, grant.Names{}, Now)
		if err != nil || !isDigest(got.Version) || got.Version == before {
			t.Fatalf("chosen is %+v, %v", got, err)
		}
		before = got.Version
		data, _, err := getAll(t.Context(), s, got.Ref, "")
		if err != nil || string(data) != content {
			t.Errorf("it holds %q, %v", data, err)
		}
	}
	ref.Version = "tag:none"
	if _, err := s.Choose(t.Context(), ref, grant.Names{}, Now); err == nil {
		t.Error("a tag that is not there was chosen")
	}
}

// TestIndexesAreAskedWhetherTheyChanged: an index that is as before is not sent again.
func TestIndexesAreAskedWhetherTheyChanged(t *testing.T) {
	sent := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"a"`)
		if r.Header.Get("If-None-Match") == `"a"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		fmt.Fprint(w, "entries:\n  web:\n  - version: 1.0.0\n")
	}))
	defer server.Close()
	s := open(t, Config{Registries: []string{server.URL}})
	for range 3 {
		got, err := s.Choose(t.Context(), Ref{Name: "web", Version: "*", Repo: server.URL}, grant.Names{}, Now)
		if err != nil || got.Version != "1.0.0" || got.Late != nil {
			t.Fatalf("chosen is %+v, %v", got, err)
		}
	}
	if sent != 1 {
		t.Errorf("the index was sent %d times", sent)
	}
}

// TestTagsWithoutEndAreRefused: a registry that always has more tags is not read for ever.
func TestTagsWithoutEndAreRefused(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Link", "<"+r.URL.Path+`?last=a>; rel="next"`)
		fmt.Fprint(w, `{"tags":["1.0.0"]}`)
	}))
	defer server.Close()
	repo := "oci" + strings.TrimPrefix(server.URL, "http") + "/charts"
	s := open(t, Config{Registries: []string{repo}})
	if _, err := s.Choose(t.Context(), Ref{Name: "web", Version: "*", Repo: repo}, grant.Names{}, Now); err == nil || asked != maxTagPages {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// TestChoicesAreForThoseWithTheirCredentials: what was chosen with a credential is not told to
// somebody without.
func TestChoicesAreForThoseWithTheirCredentials(t *testing.T) {
	r := start(t)
	r.Publish("web", "1.0.0", []byte("a"))
	s := open(t, Config{Registries: []string{r.Repo()}})
	ref := Ref{Name: "web", Version: "*", Repo: r.Repo()}
	if _, err := s.Choose(t.Context(), ref, grant.Names{}, Recent); err != nil {
		t.Fatal(err)
	}
	r.Guard("robot:geheim")
	if got, err := s.Choose(t.Context(), ref, grant.Names{Given: []grant.Name{}}, Known); err == nil || !errors.As(err, new(*WithheldError)) {
		t.Errorf("chosen is %+v, %v", got, err)
	}
	var none *Store
	if _, err := none.Choose(t.Context(), ref, grant.Names{}, Now); !errors.As(err, new(*NotAllowedError)) {
		t.Errorf("without a store: %v", err)
	}
}
