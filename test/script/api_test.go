package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rogpeppe/go-internal/testscript"
)

const apiUsage = "api TOKENFILE|- METHOD PATH [JSON] | api TOKENFILE until STATUS PATH | api TOKENFILE stream NAME PATH | api NAME hears PATTERN | api NAME ends"

// streaming is a stream of the API.
type streaming struct {
	mu    sync.Mutex
	text  bytes.Buffer
	more  chan struct{} // closed and replaced when there is more text
	ended chan struct{}
}

// cmdAPI makes a request to the API, prints the answer, and holds it to the server's own
// document; or it follows a stream.
func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: %s", apiUsage)
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	p := apiClient{base: "http://" + strings.TrimSpace(ts.ReadFile(s.Path("data", "run", "http.addr")))}
	stream := s.streams[args[0]]
	if stream == nil && args[0] != "-" {
		p.token = strings.TrimSpace(ts.ReadFile(args[0]))
	}
	switch {
	case stream != nil && args[1] == "hears" && len(args) == 3:
		ts.Check(stream.hears(ctx, args[2]))
	case stream != nil && args[1] == "ends":
		select {
		case <-stream.ended:
		case <-ctx.Done():
			ts.Fatalf("the stream goes on; it has\n%s", stream.read())
		}
	case args[1] == "stream" && len(args) == 4:
		opened, err := p.follow(args[3])
		ts.Check(err)
		if s.streams == nil {
			s.streams = map[string]*streaming{}
		}
		s.streams[args[2]] = opened
	case args[1] == "until" && len(args) == 4:
		ts.Check(p.until(ctx, args[2], args[3]))
	case len(args) == 3 || len(args) == 4:
		answer, err := p.call(ctx, args[1], args[2], strings.Join(args[3:], ""))
		ts.Check(err)
		fmt.Fprint(ts.Stdout(), answer)
	default:
		ts.Fatalf("usage: %s", apiUsage)
	}
}

// apiClient is a program that speaks to the API.
type apiClient struct{ base, token string }

func (p apiClient) request(ctx context.Context, method, path, body string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, p.base+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// call makes a request, and returns the answer: status, the headers Link and Location, and body.
func (p apiClient) call(ctx context.Context, method, path, body string) (string, error) {
	request, err := p.request(ctx, method, path, body)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	text := response.Status + "\n"
	for _, header := range []string{"Link", "Location"} {
		if value := response.Header.Get(header); value != "" {
			text += header + ": " + value + "\n"
		}
	}
	return text + string(answer), p.holds(ctx, request, response, answer)
}

// holds compares an answer with the document of the API.
func (p apiClient) holds(ctx context.Context, request *http.Request, response *http.Response, answer []byte) error {
	asked, err := apiClient{base: p.base}.request(ctx, http.MethodGet, "/openapi.json", "")
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(asked)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	doc, err := openapi3.NewLoader().LoadFromIoReader(got.Body)
	if err != nil {
		return fmt.Errorf("the document: %w", err)
	}
	op := operationOf(doc, request)
	if op == nil { // of what is not there, the answer is a problem
		op = operationOf(doc, asked)
	}
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	described := op.Responses.Status(response.StatusCode)
	if described == nil {
		described = op.Responses.Default()
	}
	media := described.Value.Content.Get(kind)
	if media == nil {
		return fmt.Errorf("%s %s: the document has no %s for %s", request.Method, request.URL.Path, kind, response.Status)
	}
	var value any
	if err := json.Unmarshal(answer, &value); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", request.Method, request.URL.Path, err, answer)
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("%s %s is not as the document says: %w\n%s", request.Method, request.URL.Path, err, answer)
	}
	return nil
}

// operationOf is the operation of a request; nil if the document has none.
func operationOf(doc *openapi3.T, request *http.Request) *openapi3.Operation {
	var found *openapi3.Operation
	least := -1
	for path, item := range doc.Paths.Map() {
		pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), "[^/]+")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(request.URL.Path) {
			continue
		}
		if holes := strings.Count(path, "{"); least < 0 || holes < least {
			found, least = item.GetOperation(request.Method), holes
		}
	}
	return found
}

// until asks again and again, until an answer has a status: expiry has no event.
func (p apiClient) until(ctx context.Context, status, path string) error {
	for ctx.Err() == nil {
		answer, err := p.call(ctx, http.MethodGet, path, "")
		if err != nil {
			return err
		}
		if strings.HasPrefix(answer, status+" ") {
			return nil
		}
		<-time.After(100 * time.Millisecond)
	}
	return fmt.Errorf("%s never answered %s", path, status)
}

// follow opens a stream.
func (p apiClient) follow(path string) (*streaming, error) {
	request, err := p.request(context.Background(), http.MethodGet, path, "")
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, errors.New(response.Status)
	}
	s := &streaming{more: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer response.Body.Close()
		_, _ = io.Copy(s, response.Body) // its end is what counts
	}()
	return s, nil
}

// Write takes a part of the stream.
func (s *streaming) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.more)
	s.more = make(chan struct{})
	return s.text.Write(p)
}

func (s *streaming) read() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// hears waits until the stream has a match.
func (s *streaming) hears(ctx context.Context, pattern string) error {
	wanted, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return err
	}
	for {
		s.mu.Lock()
		has, more := s.text.String(), s.more
		s.mu.Unlock()
		if wanted.MatchString(has) {
			return nil
		}
		select {
		case <-more:
		case <-s.ended:
			return fmt.Errorf("the stream ended without %q; it had\n%s", pattern, has)
		case <-ctx.Done():
			return fmt.Errorf("the stream never had %q; it has\n%s", pattern, has)
		}
	}
}
