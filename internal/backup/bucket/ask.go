package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is one request to the storage.
type request struct {
	do     string // for people: "list backups"
	method string
	key    string // of an object; "": of the bucket
	query  url.Values
	header http.Header // nil: none of its own
	body   []byte
}

// tries is how often a request is sent that fails for a cause that passes. Whoever backs
// up tries the whole again after that.
const tries = 4

// ask sends a request, again if necessary, and returns an answer of success. Repeating
// any of these requests changes nothing.
func (b *Bucket) ask(ctx context.Context, asked request) (*http.Response, error) {
	pause := b.pause
	for try := 1; ; try++ {
		response, err := b.once(ctx, asked)
		if err == nil || try == tries || !passes(err) {
			return response, err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, err
		}
	}
}

// passes reports whether a cause may be gone at the next try.
func passes(err error) bool {
	refused, answered := errors.AsType[*Refusal](err)
	if !answered {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	switch refused.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusTooManyRequests, http.StatusRequestTimeout:
		return true
	}
	return refused.Code == "RequestTimeout" // which Amazon sends with 400
}

// once sends a request.
func (b *Bucket) once(ctx context.Context, asked request) (*http.Response, error) {
	to := b.base
	if asked.key != "" {
		to.Path += "/" + asked.key
	}
	if to.Path == "" {
		to.Path = "/"
	}
	to.RawQuery = strings.ReplaceAll(asked.query.Encode(), "+", "%20") // as signatures want it
	r, err := http.NewRequestWithContext(ctx, asked.method, to.String(), bytes.NewReader(asked.body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", asked.do, err)
	}
	maps.Copy(r.Header, asked.header)
	r.Header.Set("User-Agent", "pushboat")
	b.keys.sign(r, sha256.Sum256(asked.body), b.region, b.now())
	response, err := b.http.Do(r)
	if err != nil {
		return nil, &Unreachable{do: asked.do, host: b.base.Host, err: bare(err)}
	}
	if response.StatusCode/100 != 2 {
		return nil, b.refusal(asked, response)
	}
	return response, nil
}

// bare is an error without the address that was asked, which is long and says nothing.
func bare(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err
	}
	return err
}

// done asks for something that has no answer but success.
func (b *Bucket) done(ctx context.Context, asked request) error {
	response, err := b.ask(ctx, asked)
	if err == nil {
		_ = response.Body.Close() // nobody needs it
	}
	return err
}

// maxAnswer bounds an answer that is XML, in bytes: a page of a list has 1,000 entries.
const maxAnswer = 8 << 20

// answer sends a request whose answer is XML. An answer that has an error is a Refusal:
// when a request took long, it may come with the status of success.
func (b *Bucket) answer(ctx context.Context, asked request, into any) error {
	response, err := b.ask(ctx, asked)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	_ = response.Body.Close() // only read
	if err != nil {
		return &Unreachable{do: asked.do, host: b.base.Host, err: err}
	}
	if code, region := readRefusal(text); code != "" {
		return &Refusal{Status: response.StatusCode, Code: code, do: asked.do, region: region, address: b.address, host: b.base.Host}
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: what answers at %s is no storage of S3: look at backup.endpoint", asked.do, b.base.Host)
	}
	return nil
}

// maxRefusal bounds the part of a refusing answer that is read, in bytes.
const maxRefusal = 64 << 10

// refusal reads an answer that refuses.
func (b *Bucket) refusal(asked request, response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // as much of it as there is
	_ = response.Body.Close()
	code, region := readRefusal(text)
	if at := response.Header.Get("x-amz-bucket-region"); regionForm.MatchString(at) {
		region = at
	}
	return &Refusal{Status: response.StatusCode, Code: code, do: asked.do, region: region, address: b.address, host: b.base.Host}
}
