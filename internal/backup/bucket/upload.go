package bucket

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 has each part compared by it
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// An object is sent in parts, one of which at a time is in memory. All but the last
// have one size, as some storage requires, and there may be 10,000: 156 GiB.
const (
	partSize = 16 << 20
	maxParts = 10_000
)

// Upload is an object that is being sent. It is there from Commit on.
type Upload struct {
	ctx    context.Context
	bucket *Bucket
	key    string
	id     string
	part   []byte   // is sent next
	sent   []string // the storage's tag of each part
	size   int64
}

// Begin begins to send a backup. The upload ends with ctx; it has to be committed or
// aborted.
func (b *Bucket) Begin(ctx context.Context, object Object) (*Upload, error) {
	var begun struct { // its root has several names
		ID string `xml:"UploadId"`
	}
	object.Folder = b.address.Folder
	u := &Upload{ctx: ctx, bucket: b, key: b.key(object)}
	err := b.answer(ctx, request{
		do: "begin a backup", method: http.MethodPost, key: u.key, query: url.Values{"uploads": {""}},
		header: http.Header{"Content-Type": {"application/octet-stream"}},
	}, &begun)
	if u.id = begun.ID; err == nil && u.id == "" {
		err = errors.New("begin a backup: the storage gives the upload no id")
	}
	return u, err
}

// Write implements io.Writer.
func (u *Upload) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if len(u.part) == partSize {
			if err := u.send(); err != nil {
				return len(p) - len(rest), err
			}
		}
		if u.part == nil {
			u.part = make([]byte, 0, partSize)
		}
		n := min(len(rest), partSize-len(u.part))
		u.part, rest = append(u.part, rest[:n]...), rest[n:]
	}
	return len(p), nil
}

// maxTag bounds the storage's tag of a part, in bytes.
const maxTag = 1024

// send sends the next part. Both of its hashes go with it, one of them signed: the storage
// refuses a part that comes otherwise than it was sent.
func (u *Upload) send() error {
	if len(u.sent) == maxParts {
		return fmt.Errorf("a backup in a bucket has %d GiB at most", maxParts*partSize>>30)
	}
	sum := md5.Sum(u.part) //nolint:gosec // see the import
	response, err := u.bucket.ask(u.ctx, request{
		do: "store a backup", method: http.MethodPut, key: u.key, body: u.part,
		query:  url.Values{"partNumber": {strconv.Itoa(len(u.sent) + 1)}, "uploadId": {u.id}},
		header: http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	_ = response.Body.Close() // it has none
	tag := response.Header.Get("ETag")
	if tag == "" || len(tag) > maxTag {
		return errors.New("store a backup: the storage does not say what it has of it")
	}
	u.size += int64(len(u.part))
	u.sent, u.part = append(u.sent, tag), u.part[:0]
	return nil
}

// Commit sends the rest, and completes the object if ready still agrees. It returns the
// object's size, as the storage reports it.
func (u *Upload) Commit(ready func() error) (int64, error) {
	if len(u.part) > 0 || len(u.sent) == 0 {
		if err := u.send(); err != nil {
			return 0, err
		}
	}
	u.part = nil
	if err := ready(); err != nil {
		return 0, err
	}
	failed := u.complete()
	size, err := u.bucket.size(u.ctx, u.key)
	switch {
	case err == nil && size == u.size: // also where the answer to complete was lost
		return size, nil
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, err
	}
	return 0, fmt.Errorf("store a backup: the storage has %d bytes of %d; do not use it", size, u.size)
}

// completion lists the parts that become one object.
type completion struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []part   `xml:"Part"`
}

type part struct {
	Number int    `xml:"PartNumber"`
	Tag    string `xml:"ETag"`
}

func (u *Upload) complete() error {
	var whole completion
	for i, tag := range u.sent {
		whole.Parts = append(whole.Parts, part{i + 1, tag})
	}
	var text bytes.Buffer
	if err := xml.NewEncoder(&text).Encode(whole); err != nil {
		return err
	}
	var done struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
	}
	return u.bucket.answer(u.ctx, request{
		do: "store a backup", method: http.MethodPost, key: u.key, query: url.Values{"uploadId": {u.id}}, body: text.Bytes(),
	}, &done)
}

// abortWithin is how long the end of a failed upload may take. DropUnfinished ends the
// others.
const abortWithin = 5 * time.Second

// Abort drops the parts that were sent, even after ctx has ended.
func (u *Upload) Abort() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortWithin)
	defer cancel()
	return u.bucket.abort(ctx, u.key, u.id)
}
