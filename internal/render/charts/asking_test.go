package charts

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
)

// TestChartsAreForThoseWithTheirCredentials: a chart that was fetched with a credential is
// given to nobody who may not use it, neither by its version nor by its digest, and the
// refusal is the same where there is no such credential.
func TestChartsAreForThoseWithTheirCredentials(t *testing.T) {
	const archive = "private"
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if strings.HasPrefix(r.URL.Path, "/public/") {
			http.NotFound(w, r)
			return
		}
		if user, password, _ := r.BasicAuth(); user+":"+password != "robot:geheim" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".tgz") {
			_, _ = w.Write([]byte(archive))
			return
		}
		_, _ = w.Write([]byte("entries:\n  web:\n  - version: 1.0.0\n    urls:\n    - web.tgz\n"))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("robot:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := server.URL + "/a"
	s := open(t, Config{Registries: []string{server.URL}, Credentials: map[string]string{ours: file}})
	ref, digest := Ref{Name: "web", Version: "1.0.0", Repo: ours}, Digest([]byte(archive))
	given := func(names ...grant.Name) grant.Names { return grant.Names{Given: append([]grant.Name{}, names...)} }

	for _, may := range []grant.Names{{}, given(grant.Name(ours)), given("*"), given("http://*")} {
		for range 2 {
			got, err := s.Get(t.Context(), ref, "", may)
			if err != nil || string(got.Data) != archive || got.Credential != ours {
				t.Fatalf("%s: got %q with %q, %v", may, got.Data, got.Credential, err)
			}
		}
	}
	if asked != 4 { // index and archive, for all and for those with this one
		t.Errorf("the registry was asked %d times", asked)
	}
	for what, test := range map[string]struct {
		may    grant.Names
		ref    Ref
		digest string
	}{
		"the version":                {given(), ref, ""},
		"the version, of another":    {grant.Names{Taken: []grant.Name{grant.Name(ours)}}, ref, ""},
		"the digest":                 {given("oci://other"), ref, digest},
		"the digest, from elsewhere": {given(), Ref{Name: "web", Version: "1.0.0", Repo: server.URL + "/public"}, digest},
		"where there is none":        {given(), Ref{Name: "web", Version: "1.0.0", Repo: server.URL + "/b"}, ""},
	} {
		got, err := s.Get(t.Context(), test.ref, test.digest, test.may)
		if _, withheld := errors.AsType[*WithheldError](err); !withheld || got.Data != nil {
			t.Errorf("%s: got %q, %v", what, got.Data, err)
		}
	}
	if _, err := s.Get(t.Context(), Ref{Name: "web", Version: "1.0.0", Repo: server.URL + "/b"}, "", grant.Names{}); err == nil || errors.As(err, new(*WithheldError)) {
		t.Errorf("for those with all credentials: %v", err)
	}
}

// TestCredentialsOfChartsAreNoted: which credential a chart takes is known from disk, too.
func TestCredentialsOfChartsAreNoted(t *testing.T) {
	web, err := parsePlace("https://x/a")
	if err != nil {
		t.Fatal(err)
	}
	asks := asking{secrets: []credential{{place: web, name: "https://x/a"}}}
	ours, other, none := "https://x/a", "https://x/b", ""
	for what, test := range map[string]struct {
		known pin
		want  string
	}{
		"it took it":                {pin{Chart{Digest: "d"}, &ours}, ours},
		"it took none":              {pin{Chart{Digest: "d"}, &none}, ""},
		"it took one of others":     {pin{Chart{Digest: "d"}, &other}, ""},
		"it was not noted":          {pin{Chart{Digest: "d"}, nil}, ours},
		"another content was noted": {pin{Chart{Digest: "e"}, &none}, ours},
	} {
		if got := asks.credentialOf(test.known, "d", web); got != test.want {
			t.Errorf("%s: %q", what, got)
		}
	}
}
