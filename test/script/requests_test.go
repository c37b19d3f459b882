package script

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/rest"
)

// audit reads the API server's audit log, so that scripts can count the requests of their
// servers. All servers share one API server, so each acts as a user of its own, see
// auditUser.
type audit struct {
	path string

	mu     sync.Mutex
	file   *os.File // the file that is read; the API server begins a new one at 100 MB
	reader *bufio.Reader
	rest   []byte              // a line that has been written in part
	seen   map[string][]string // by user: "list configmaps", in the order of the log
	marks  map[string]bool     // those that have been read
}

// request has the relevant fields of an audit event.
type request struct {
	Stage  string `json:"stage"`
	Verb   string `json:"verb"`
	URI    string `json:"requestURI"`
	Status struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Impersonated struct {
		Name string `json:"username"`
	} `json:"impersonatedUser"`
	Object struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
}

// String writes the request as scripts do: "list configmaps", or "dry-run configmaps" for
// one that stores nothing.
func (r request) String() string {
	verb, resource := r.Verb, r.Object.Resource
	if strings.Contains(r.URI, "dryRun=All") {
		verb = "dry-run"
	}
	if r.Object.Subresource != "" {
		resource += "/" + r.Object.Subresource
	}
	if resource == "" {
		resource, _, _ = strings.Cut(r.URI, "?")
	}
	return verb + " " + resource
}

// auditUser is the user as which the script's server acts.
func (s *stage) auditUser() string { return "script:" + s.app }

func newAudit(path string) *audit {
	return &audit{path: path, seen: map[string][]string{}, marks: map[string]bool{}}
}

// markPath is requested to learn how far the log has been written: all requests that were
// answered before are before it in the log.
const markPath = "/readyz/ping?mark="

// upTo reads the log up to the present, and returns the requests of a user.
func (a *audit) upTo(c *cluster, user string) ([]string, error) {
	mark := fmt.Sprintf("%s%d", markPath, time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	if err := rawGet(ctx, c.discovery.RESTClient(), mark); err != nil {
		return nil, err
	}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		seen, done, err := a.read(mark, user)
		if err != nil || done {
			return seen, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("the audit log %s has no line for %s", a.path, mark)
		}
	}
}

func rawGet(ctx context.Context, client rest.Interface, uri string) error {
	return client.Get().RequestURI(uri).Do(ctx).Error()
}

// read reads the new lines. It reports whether the mark was among them.
func (a *audit) read(mark, user string) (seen []string, done bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.marks[mark] {
		more, err := a.readLine()
		if err != nil {
			return nil, false, err
		}
		if !more {
			return nil, false, nil
		}
	}
	return slices.Clone(a.seen[user]), true, nil
}

// readLine reads one line. It reports whether there was one.
func (a *audit) readLine() (bool, error) {
	if a.file == nil {
		if err := a.open(); err != nil {
			return false, err
		}
	}
	line, err := a.reader.ReadBytes('\n')
	a.rest = append(a.rest, line...)
	if errors.Is(err, io.EOF) {
		return a.follow()
	}
	if err != nil {
		return false, err
	}
	a.take(a.rest)
	a.rest = a.rest[:0]
	return true, nil
}

func (a *audit) open() (err error) {
	if a.file, err = os.Open(a.path); err == nil {
		a.reader = bufio.NewReaderSize(a.file, 1<<20)
	}
	return err
}

// follow continues in the next file if the API server has begun one.
func (a *audit) follow() (bool, error) {
	here, err := a.file.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(a.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(here, now) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_ = a.file.Close()
	return true, a.open()
}

var (
	ofScripts  = []byte(`"script:`)
	ofAccounts = []byte(`"impersonatedUser":{"username":"` + accountPrefix)
	ofMarks    = []byte(`"` + markPath)
)

// accountPrefix begins the user names of ServiceAccounts, as which servers deploy.
const accountPrefix = "system:serviceaccount:"

func (a *audit) take(line []byte) {
	if !bytes.Contains(line, ofScripts) && !bytes.Contains(line, ofAccounts) && !bytes.Contains(line, ofMarks) {
		return
	}
	var r request
	if json.Unmarshal(line, &r) != nil {
		return
	}
	switch {
	case strings.HasPrefix(r.URI, markPath):
		mark, _, _ := strings.Cut(r.URI, "&") // the client adds a parameter for its timeout
		a.marks[mark] = true
	case r.Verb == "watch" && r.Stage != "ResponseStarted" && r.Status.Code == 200:
		// its start has been counted
	default:
		a.seen[r.Impersonated.Name] = append(a.seen[r.Impersonated.Name], r.String())
	}
}

// cmdRequests prints how many requests of each kind the script's server has made since the
// mark, one line for each kind, sorted by name: "2 list configmaps". With "as", it prints
// all requests that the server has made as a ServiceAccount.
func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if s.cluster.audit == nil {
		ts.Fatalf("this cluster has no audit log: begin the script with [!requests] skip")
	}
	switch {
	case !neg && len(args) == 0:
		fmt.Fprint(ts.Stdout(), s.requests(ts))
	case !neg && len(args) == 1 && args[0] == "mark":
		seen, err := s.cluster.audit.upTo(s.cluster, s.auditUser())
		ts.Check(err)
		s.mark = len(seen)
	case !neg && len(args) == 2 && args[0] == "as":
		seen, err := s.cluster.audit.upTo(s.cluster, accountPrefix+strings.Replace(args[1], "/", ":", 1))
		ts.Check(err)
		fmt.Fprint(ts.Stdout(), counted(seen))
	case !neg && len(args) == 2 && args[0] == "until":
		fmt.Fprint(ts.Stdout(), s.awaitRequests(ts, args[1]))
	default:
		ts.Fatalf("usage: requests [mark | as NAMESPACE/NAME | until PATTERN]")
	}
}

// requests counts the requests since the mark.
func (s *stage) requests(ts *testscript.TestScript) string {
	seen, err := s.cluster.audit.upTo(s.cluster, s.auditUser())
	ts.Check(err)
	return counted(seen[s.mark:])
}

// counted counts requests. It writes a line for each kind, sorted.
func counted(requests []string) string {
	counts := map[string]int{}
	for _, name := range requests {
		counts[name]++
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, "%d %s\n", counts[name], name)
	}
	return text.String()
}

// awaitRequests waits until the counts match, and returns them.
func (s *stage) awaitRequests(ts *testscript.TestScript, expression string) string {
	pattern, err := regexp.Compile("(?m)" + expression)
	ts.Check(err)
	late, again := time.After(waitWithin), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for {
		text := s.requests(ts)
		if pattern.MatchString(text) {
			return text
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("no such requests after %s; there were:\n%s", waitWithin, text)
		}
	}
}
