package script

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushboat/pushboat/internal/mirror/mirrortest"
)

const upstreamUsage = "upstream start DIR | off | on | rekey | hook URL SECRET | said PATTERN"

// upstream is where repositories are fetched from, by HTTP and by SSH.
type upstream struct{ http, ssh *mirrortest.Upstream }

// cmdUpstream serves the repositories of a directory for the script.
func cmdUpstream(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: %s", upstreamUsage)
	case len(args) == 2 && args[0] == "start" && s.upstream == nil:
		ts.Check(s.startUpstream(ts, ts.MkAbs(args[1])))
	case s.upstream == nil:
		ts.Fatalf("usage: %s; start comes first", upstreamUsage)
	case args[0] == "off" || args[0] == "on":
		s.upstream.http.Away(args[0] == "off")
		s.upstream.ssh.Away(args[0] == "off")
	case args[0] == "rekey":
		ts.Check(s.upstream.ssh.NewHostKey())
	case len(args) == 3 && args[0] == "hook":
		status, err := postHook(args[1], args[2])
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), status)
	case len(args) == 2 && args[0] == "said":
		pattern, err := regexp.Compile("(?m)" + args[1])
		ts.Check(err)
		late := make(chan struct{})
		defer time.AfterFunc(slow*time.Minute, func() { close(late) }).Stop()
		text, ok := s.upstream.http.Said(pattern, late)
		fmt.Fprintln(ts.Stdout(), text)
		if !ok {
			ts.Fatalf("the forge was not asked that")
		}
	default:
		ts.Fatalf("usage: %s", upstreamUsage)
	}
}

func (s *stage) startUpstream(ts *testscript.TestScript, dir string) error {
	if err := os.MkdirAll(s.Path("mirrors"), 0o700); err != nil {
		return err
	}
	if out, err := exec.Command("git", "init", "-q", "--bare", "--initial-branch=main", dir+"/shop.git").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	key, err := mirrortest.NewKey(s.Path("mirrors", "key"))
	if err != nil {
		return err
	}
	u := &upstream{}
	if u.http, err = mirrortest.StartHTTP(dir); err != nil {
		return err
	}
	ts.Defer(u.http.Close)
	if u.ssh, err = mirrortest.StartSSH(dir, key.PublicKey()); err != nil {
		return err
	}
	ts.Defer(u.ssh.Close)
	s.upstream = u
	ts.Setenv("UPSTREAM", u.http.Addr)
	ts.Setenv("UPSTREAMSSH", u.ssh.Addr)
	return nil
}

// postHook sends a webhook as GitHub does, and returns the answer's status.
func postHook(url, secret string) (int, error) {
	const body = `{"ref": "refs/heads/main", "repository": {"clone_url": "http://169.254.169.254/"}}`
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body)) // never an error
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
