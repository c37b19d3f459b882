package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// viewer is a browser with a session of its own, at an address of its own. It does what the
// pages' scripts have a browser do, but draws nothing.
type viewer struct {
	base   string // of the server's pages
	client *http.Client
}

// streamsEnd is the time within which the server notices that a stream was closed.
const streamsEnd = 500 * time.Millisecond

// maxOpen is how many pages a viewer may have open; the server's limit for a session is 32.
const maxOpen = 25

var (
	linkOfLogin = regexp.MustCompile(`https?://\S+/login/\S+`)
	tokenOfForm = regexp.MustCompile(`name="token" value="([^"]+)"`)
	liveOfPage  = regexp.MustCompile(`hx-sse:connect="([^"]+)"`)
)

// viewer logs in. n tells viewers apart.
func (l *lab) viewer(ctx context.Context, n int) (*viewer, error) {
	said, err := l.verb(ctx, "web")
	if err != nil {
		return nil, err
	}
	link := linkOfLogin.FindString(said)
	base, err := url.Parse(link)
	if err != nil || link == "" {
		return nil, fmt.Errorf("the verb web said %q", said)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n+1))}} // each address has its own limit of requests
	v := &viewer{base: base.Scheme + "://" + base.Host, client: &http.Client{
		Jar: jar, Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 2 * maxOpen},
	}}
	page, err := v.get(ctx, base.Path)
	if err != nil {
		return nil, err
	}
	token := tokenOfForm.FindSubmatch(page.text)
	if token == nil {
		return nil, errors.New("the page of the link has no form")
	}
	answer, err := v.client.PostForm(v.base+"/login", url.Values{"token": {string(token[1])}})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("logging in: %s", answer.Status)
	}
	return v, nil
}

// page is a page that was read, and how long its first byte and its end took.
type page struct {
	text         []byte
	first, whole time.Duration
}

// get reads a page.
func (v *viewer) get(ctx context.Context, path string) (p page, err error) {
	return v.read(ctx, path, http.Header{})
}

// renew reads a page again, as the script of a page does that is open.
func (v *viewer) renew(ctx context.Context, path string) (p page, err error) {
	return v.read(ctx, path, http.Header{"Hx-Request": {"true"}})
}

func (v *viewer) read(ctx context.Context, path string, header http.Header) (p page, err error) {
	start := time.Now()
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { p.first = time.Since(start) }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, v.base+path, nil)
	if err != nil {
		return p, err
	}
	request.Header = header
	answer, err := v.client.Do(request)
	if err != nil {
		return p, err
	}
	defer answer.Body.Close()
	if p.text, err = io.ReadAll(answer.Body); err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, answer.Status, p.text)
	}
	p.whole = time.Since(start)
	return p, err
}

// opened is a page that stays open: it is read again whenever its stream says that what it
// shows has moved.
type opened struct {
	path    string
	renewed chan page // the newest
	end     context.CancelFunc
	ended   chan struct{}
	err     error // once ended
	by      *viewer
}

// open opens a page, and returns when its stream has begun.
func (v *viewer) open(ctx context.Context, path string) (*opened, error) {
	first, err := v.get(ctx, path)
	if err != nil {
		return nil, err
	}
	live := liveOfPage.FindSubmatch(first.text)
	if live == nil {
		return nil, fmt.Errorf("the page %s has no stream", path)
	}
	ctx, end := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+strings.ReplaceAll(string(live[1]), "&amp;", "&"), nil)
	if err != nil {
		end()
		return nil, err
	}
	answer, err := v.client.Do(request)
	for tries := 0; tries < 20 && err == nil && answer.StatusCode == http.StatusServiceUnavailable && pause(ctx, streamsEnd) == nil; tries++ { // streams that were closed still count
		_ = answer.Body.Close() // only read
		answer, err = v.client.Do(request)
	}
	if err != nil {
		end()
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		end()
		return nil, errors.Join(fmt.Errorf("the stream of %s: %s", path, answer.Status), answer.Body.Close())
	}
	o := &opened{path: path, renewed: make(chan page, 1), end: end, ended: make(chan struct{}), by: v}
	go func() {
		defer close(o.ended)
		o.err = errors.Join(v.follow(ctx, o, answer.Body), answer.Body.Close())
	}()
	return o, nil
}

// follow reads a page again for each event of its stream, until that ends.
func (v *viewer) follow(ctx context.Context, o *opened, stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		if !bytes.HasPrefix(lines.Bytes(), []byte("event: moved")) {
			continue
		}
		p, err := v.renew(ctx, o.path)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the page was closed, which ends what it asks for
		case err != nil:
			return err
		}
		select {
		case <-o.renewed: // nobody has looked at the one before
		default:
		}
		o.renewed <- p
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the page was closed
	}
	return errors.Join(lines.Err(), errors.New("the stream ended"))
}

// until waits until a page shows a text, or shows it no more.
func (o *opened) until(ctx context.Context, text string, there bool) error {
	for {
		select {
		case p := <-o.renewed:
			if bytes.Contains(p.text, []byte(text)) == there {
				return nil
			}
		case <-o.ended:
			return fmt.Errorf("page %s: %w", o.path, o.err)
		case <-ctx.Done():
			return fmt.Errorf("page %s never showed %q (%t): %w", o.path, text, there, ctx.Err())
		}
	}
}

// openMany opens a number of pages, for as many viewers as that takes. path names the n-th.
func (l *lab) openMany(ctx context.Context, n int, path func(n int) string) (pages []*opened, err error) {
	for i := range n {
		if i/maxOpen == len(l.viewers) {
			v, err := l.viewer(ctx, len(l.viewers))
			if err != nil {
				return nil, errors.Join(err, closeAll(pages))
			}
			l.viewers = append(l.viewers, v)
		}
		o, err := l.viewers[i/maxOpen].open(ctx, path(i))
		if err != nil {
			return nil, errors.Join(err, closeAll(pages))
		}
		pages = append(pages, o)
	}
	return pages, nil
}

// closeAll closes pages, and tells which have failed.
func closeAll(pages []*opened) error {
	var errs []error
	for _, o := range pages {
		o.end()
		<-o.ended
		errs = append(errs, o.err)
		o.by.client.CloseIdleConnections() // each has memory at the server
	}
	return errors.Join(errs...)
}
