package script

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const browseUsage = "browse BROWSER open FILE | get PATH | post PATH [NAME=VALUE…] | until PATTERN PATH"

// browsing is a browser without scripts: it keeps cookies, and sends forms of the page that
// it shows.
type browsing struct {
	client *http.Client
	base   string // of the server: http://127.0.0.1:1234
	page   string // what it shows
}

var (
	linkText    = regexp.MustCompile(`https?://[^\s"]+/login/[A-Za-z0-9_-]+`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)
)

// cmdBrowse uses a browser, which has a name: it opens the link in a file and presses the
// button there, gets a page, or sends a form of the page that it shows. It prints the status
// and the page.
func cmdBrowse(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if neg || len(args) < 3 {
		ts.Fatalf("usage: %s", browseUsage)
	}
	if s.browsers == nil {
		s.browsers = map[string]*browsing{}
	}
	b := s.browsers[args[0]]
	if b == nil {
		jar, err := cookiejar.New(nil)
		ts.Check(err)
		b = &browsing{client: &http.Client{Jar: jar}}
		s.browsers[args[0]] = b
	}
	b.base = "http://" + strings.TrimSpace(ts.ReadFile(s.Path("data", "run", "http.addr")))
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	var status string
	var err error
	switch args[1] {
	case "open":
		status, err = b.open(ctx, ts.ReadFile(args[2]))
	case "get":
		status, err = b.send(ctx, http.MethodGet, args[2], nil)
	case "post":
		status, err = b.post(ctx, args[2], args[3:])
	case "until":
		status, err = b.until(ctx, args[2], args[3])
	default:
		err = errors.New("usage: " + browseUsage)
	}
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", status, b.page)
}

// open opens a link, and presses its button.
func (b *browsing) open(ctx context.Context, text string) (string, error) {
	link := linkText.FindString(text)
	u, err := url.Parse(link)
	if err != nil || link == "" {
		return "", fmt.Errorf("there is no link in %q", text)
	}
	status, err := b.send(ctx, http.MethodGet, u.Path, nil)
	if err != nil || !strings.HasPrefix(status, "200") {
		return status, err
	}
	return b.post(ctx, "/login", nil)
}

// post sends a form, with the hidden fields of the page.
func (b *browsing) post(ctx context.Context, path string, fields []string) (string, error) {
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(b.page, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		form.Set(name, value)
	}
	return b.send(ctx, http.MethodPost, path, form)
}

// until gets a page again and again, until a pattern is on it: scripts have no events of
// browsers.
func (b *browsing) until(ctx context.Context, pattern, path string) (string, error) {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	for ctx.Err() == nil {
		status, err := b.send(ctx, http.MethodGet, path, nil)
		if err != nil {
			return "", err
		}
		if wanted.MatchString(b.page) {
			return status, nil
		}
		<-time.After(100 * time.Millisecond)
	}
	return "", fmt.Errorf("%s never had %q; it has\n%s", path, pattern, b.page)
}

func (b *browsing) send(ctx context.Context, method, path string, form url.Values) (status string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := b.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	b.page = string(body)
	return response.Status, err
}
