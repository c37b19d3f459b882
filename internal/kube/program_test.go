package kube

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

// script writes a program of the shell, and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	return path
}

// saying is a program that gives a token, and what more is to be in its status.
func saying(token, more string) string {
	return `printf '%s\n' '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "` + token + `"` + more + `}}'` + "\n"
}

// made is a program as a kubeconfig has it.
func made(t *testing.T, path string, set func(*api.ExecConfig)) (*program, error) {
	t.Helper()
	cfg := &rest.Config{Host: "https://cluster.example", ExecProvider: &api.ExecConfig{Command: path, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode}}
	if set != nil {
		set(cfg.ExecProvider)
	}
	p, err := Allowed{Programs: []string{path}}.program(cfg)
	if err == nil && cfg.ExecProvider != nil {
		t.Error("client-go would run the program as well")
	}
	return p, err
}

// TestProgramsGetNothingOfTheServer: a program has the environment that the kubeconfig gives
// it, its arguments word for word, nothing to read, and the cluster if it asks for that.
func TestProgramsGetNothingOfTheServer(t *testing.T) {
	t.Setenv("SERVERS_OWN", "s3cr3t")
	seen := filepath.Join(t.TempDir(), "seen")
	path := script(t, `{ env; echo "args: $# [$1] [$2]"; echo "stdin: $(cat)"; pwd; } >`+seen+"\n"+saying("abc", ""))
	p, err := made(t, path, func(e *api.ExecConfig) {
		e.Args = []string{"a b; touch /tmp/x", "$(id)"}
		e.Env = []api.ExecEnvVar{{Name: "AWS_PROFILE", Value: "prod"}}
		e.ProvideClusterInfo = true
	})
	if err != nil {
		t.Fatal(err)
	}
	status, err := p.run(t.Context())
	if err != nil || status.Token != "abc" {
		t.Fatalf("got %+v, %v", status, err)
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_PROFILE=prod\n", "args: 2 [a b; touch /tmp/x] [$(id)]\n", "stdin: \n/\n", programPath + "\n",
		`"kind":"ExecCredential"`, `"server":"https://cluster.example"`, `"interactive":false`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it has not seen %q:\n%s", want, text)
		}
	}
	for line := range strings.Lines(string(text)) {
		if name, _, is := strings.Cut(line, "="); is && variableForm.MatchString(name) &&
			!slices.Contains([]string{"AWS_PROFILE", "PATH", "KUBERNETES_EXEC_INFO", "PWD", "SHLVL", "_", "OLDPWD"}, name) { // the shell's own
			t.Errorf("it was given %s", line)
		}
	}
}

func TestProgramsThatFail(t *testing.T) {
	for what, test := range map[string]struct {
		script string
		set    func(*api.ExecConfig)
		want   string
	}{
		"it fails": {
			script: "printf 'no login \\033[31m for s3cr3t-value\\nuse: --token s3cr3t-argument\\n' >&2; exit 3\n",
			set: func(e *api.ExecConfig) {
				e.Args, e.Env = []string{"--token", "s3cr3t-argument"}, []api.ExecEnvVar{{Name: "A", Value: "s3cr3t-value"}}
			},
			want: "exit status 3: no login",
		},
		"it says nothing":          {script: "exit 1\n", want: "exit status 1"},
		"it gives no JSON":         {script: "echo s3cr3t\n", want: "no ExecCredential"},
		"it gives another kind":    {script: `echo '{"kind": "Secret", "status": {"token": "s3cr3t"}}'`, want: "no ExecCredential"},
		"it gives another API":     {script: saying("s3cr3t", ""), set: func(e *api.ExecConfig) { e.APIVersion = "client.authentication.k8s.io/v1beta1" }, want: "another apiVersion than client.authentication.k8s.io/v1beta1"},
		"it gives nothing":         {script: saying("", ""), want: "neither a token nor a certificate"},
		"half a certificate":       {script: saying("s3cr3t", `, "clientKeyData": "s3cr3t"`), want: "a key without a certificate"},
		"a token of two lines":     {script: saying(`s3cr3t\nX: y`, ""), want: "no text in one line"},
		"it never stops talking":   {script: "yes s3cr3t\n", want: "more than 1048576 bytes"},
		"it complains without end": {script: "i=0; while [ $i -lt 5000 ]; do echo complaint $i >&2; i=$((i+1)); done; exit 1\n", want: "complaint 0"},
	} {
		t.Run(what, func(t *testing.T) {
			p, err := made(t, script(t, test.script), test.set)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if text := err.Error(); strings.Contains(text, "s3cr3t") || strings.ContainsAny(text, "\x1b\n") || len(text) > 1000 {
				t.Errorf("the error tells too much: %q", text)
			}
		})
	}
}

// TestProgramsAreKilled: a program that does not end is killed with what it has started.
func TestProgramsAreKilled(t *testing.T) {
	dir := t.TempDir()
	never, held := filepath.Join(dir, "never"), filepath.Join(dir, "held")
	for _, pipe := range []string{never, held} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := made(t, script(t, "(echo alive; read -r x <"+never+") >"+held+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := p.run(ctx)
		ended <- err
	}()
	pipe, err := os.Open(held) // once both have opened it
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if line, err := bufio.NewReader(pipe).ReadString('\n'); line != "alive\n" {
		t.Fatalf("read %q, %v", line, err)
	}
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("got %v", err)
	}
	if rest, err := io.ReadAll(pipe); err != nil || len(rest) > 0 { // the end comes when nobody holds it
		t.Errorf("read %q, %v", rest, err)
	}
}

func TestProgramsAreBounded(t *testing.T) {
	path := script(t, saying("abc", ""))
	for what, test := range map[string]struct {
		set  func(*api.ExecConfig)
		want string
	}{
		"a variable of the loader":     {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "LD_PRELOAD", Value: "s3cr3t"}} }, "LD_PRELOAD is not given"},
		"where programs are":           {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "PATH", Value: "/tmp"}} }, "PATH is not given"},
		"a variable of an interpreter": {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "PYTHONPATH", Value: "/tmp"}} }, "PYTHONPATH is not given"},
		"a variable of the shell":      {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "BASH_FUNC_x", Value: "/tmp"}} }, "BASH_FUNC_x is not given"},
		"no variable":                  {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "A=B", Value: "s3cr3t"}} }, "no name of a variable"},
		"a value that is no text":      {func(e *api.ExecConfig) { e.Env = []api.ExecEnvVar{{Name: "A", Value: "a\x00b"}} }, "no text"},
		"too many variables": {func(e *api.ExecConfig) {
			e.Env = slices.Repeat([]api.ExecEnvVar{{Name: "A", Value: "b"}}, maxProgramEnv+1)
		}, "more than 64 variables"},
		"too large variables": {func(e *api.ExecConfig) {
			e.Env = []api.ExecEnvVar{{Name: "A", Value: strings.Repeat("s3cr3t", maxProgramText)}}
		}, "more than 32768 bytes"},
		"too many arguments":             {func(e *api.ExecConfig) { e.Args = slices.Repeat([]string{"a"}, maxProgramArgs+1) }, "more than 100"},
		"an argument that is no text":    {func(e *api.ExecConfig) { e.Args = []string{"a\x00b"} }, "no text"},
		"an API that is gone":            {func(e *api.ExecConfig) { e.APIVersion = "client.authentication.k8s.io/v1alpha1" }, "is not known"},
		"another program":                {func(e *api.ExecConfig) { e.Command = "/bin/cat" }, `"/bin/cat" (exec), which the setting clusterPrograms does not name`},
		"another one of the same name":   {func(e *api.ExecConfig) { e.Command = "/tmp/credentials" }, "which the setting clusterPrograms does not name"},
		"one from a folder that follows": {func(e *api.ExecConfig) { e.Command = "./credentials" }, "which the setting clusterPrograms does not name"},
		"by its name alone":              {func(e *api.ExecConfig) { e.Command = "credentials" }, ""},
	} {
		_, err := made(t, path, test.set)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	cfg := &rest.Config{ExecProvider: &api.ExecConfig{Command: "credentials"}}
	if _, err := (Allowed{Programs: []string{path, "/usr/bin/credentials"}}).program(cfg); err == nil || !strings.Contains(err.Error(), "two of that name") {
		t.Errorf("one of two: %v", err)
	}
}

func TestCheckProgram(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"good": 0o755, "data": 0o644, "ours": 0o775, "theirs": 0o757} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil { //nolint:gosec // that is refused
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(open, "good"), nil, 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "theirs", "way": filepath.Join(open, "good")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "good"): "", filepath.Join(dir, "gone"): "not there", dir: "no executable", filepath.Join(dir, "data"): "no executable",
		filepath.Join(dir, "ours"): "can change it", filepath.Join(dir, "theirs"): "can change it", filepath.Join(dir, "link"): "can change it",
		filepath.Join(open, "good"): "everybody can change its folder", filepath.Join(dir, "way"): "everybody can change its folder", "good": "no path from the root",
	} {
		if err := CheckProgram(path); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// pair makes a certificate with its key, as JSON has them in an answer.
func pair(t *testing.T, name int64) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(name), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, data []byte) string {
		quoted, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})))
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	return `, "clientCertificateData": ` + text("CERTIFICATE", der) + `, "clientKeyData": ` + text("PRIVATE KEY", private)
}

// asked is a server that notes the tokens and certificates that it is asked with.
type asked struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []string
	refuses string // the token that it refuses
}

func startAsked(t *testing.T) *asked {
	t.Helper()
	a := &asked{}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		for _, c := range r.TLS.PeerCertificates {
			text += "/" + c.SerialNumber.String()
		}
		a.seen = append(a.seen, text)
		if a.refuses != "" && strings.HasPrefix(text, a.refuses) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	a.TLS = &tls.Config{ClientAuth: tls.RequestClientCert} //nolint:gosec // it has a version of its own
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *asked) tokens() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

// TestCredentialsAreRenewed: a program is asked once for all requests, again when its
// credentials end or are refused, and after a failure not at once.
func TestCredentialsAreRenewed(t *testing.T) {
	server := startAsked(t)
	answer := filepath.Join(t.TempDir(), "answer")
	runs := answer + ".runs"
	says := func(text string) {
		if err := os.WriteFile(answer, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := made(t, script(t, "echo run >>"+runs+"\n. "+answer+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	expires := func(after time.Duration) string {
		return `, "expirationTimestamp": "` + now.Add(after).UTC().Format(time.RFC3339) + `"`
	}
	l := &link{guard: &guard{}}
	cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}}
	cfg.Dial = (&net.Dialer{}).DialContext
	if err := l.connect(cfg, p); err != nil {
		t.Fatal(err)
	}
	l.now.Load().issuer.clock = func() time.Time { return now }
	ask := func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := l.now.Load().transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	count := func() int {
		text, _ := os.ReadFile(runs)
		return strings.Count(string(text), "run")
	}
	for _, step := range []struct {
		what   string
		says   string
		after  time.Duration
		refuse string
		want   string // what the server sees; "": an error
		runs   int
	}{
		{what: "the first", says: saying("one", expires(time.Minute)), want: "one", runs: 1},
		{what: "the next", says: saying("two", expires(time.Hour)), want: "one", runs: 1},
		{what: "nearly expired", after: 55 * time.Second, want: "two", runs: 2},
		{what: "refused", after: 20 * time.Second, says: saying("three", pair(t, 7)), refuse: "two", want: "two", runs: 2},
		{what: "after that, with a certificate", want: "three/7", runs: 3},
		{what: "without an end", after: 100 * time.Hour, want: "three/7", runs: 3},
		{what: "refused again", says: "exit 1\n", refuse: "three", want: "three/7", runs: 3},
		{what: "a failure", runs: 4},
		{what: "a failure stands", says: saying("four", pair(t, 8)), runs: 4},
		{what: "and ends; another certificate takes another connection", after: askAgain, want: "four/8", runs: 5},
	} {
		if step.says != "" {
			says(step.says)
		}
		now = now.Add(step.after)
		server.mu.Lock()
		server.refuses, server.seen = step.refuse, nil
		server.mu.Unlock()
		err := ask()
		if seen := strings.Join(server.tokens(), " "); seen != step.want || (err == nil) != (step.want != "") || count() != step.runs {
			t.Fatalf("%s: the server saw %q after %d runs, %v; want %q after %d", step.what, seen, count(), err, step.want, step.runs)
		}
	}
}

// TestOneProgramForAll: who asks at the same time waits for one run, and who gives up leaves
// it to the others.
func TestOneProgramForAll(t *testing.T) {
	dir := t.TempDir()
	gate, began, runs := filepath.Join(dir, "gate"), filepath.Join(dir, "began"), filepath.Join(dir, "runs")
	for _, pipe := range []string{gate, began} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := made(t, script(t, "echo run >>"+runs+"\necho >"+began+"\nread -r x <"+gate+"\n"+saying("abc", "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := newIssuer(p, func() {})
	gone, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	left := make(chan error, 1)
	go func() {
		_, err := i.get(gone)
		left <- err
	}()
	if _, err := os.ReadFile(began); err != nil { // it runs
		t.Fatal(err)
	}
	for range 20 {
		all.Go(func() {
			if known, err := i.get(t.Context()); err != nil || known.token != "abc" {
				t.Errorf("got %+v, %v", known, err)
			}
		})
	}
	leave()
	if err := <-left; err == nil {
		t.Error("who gave up got an answer")
	}
	if err := os.WriteFile(gate, []byte("go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if text, _ := os.ReadFile(runs); strings.Count(string(text), "run") != 1 {
		t.Errorf("it ran for each: %q", text)
	}
}
