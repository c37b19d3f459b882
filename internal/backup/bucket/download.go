package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pushboat/pushboat/internal/backup"
)

// Archive is a backup of the bucket, to restore.
func (b *Bucket) Archive(object Object) backup.Archive {
	return backup.Archive{
		ID:   object.ID,
		Name: Address{b.address.Bucket, object.Folder}.String() + "/" + object.Name(),
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			d := &download{ctx: ctx, bucket: b, key: b.key(object), size: object.Size}
			return d, d.open()
		},
	}
}

// download reads an object. Where a connection breaks, it goes on with another one.
type download struct {
	ctx    context.Context
	bucket *Bucket
	key    string
	size   int64
	at     int64 // how much was read
	failed int   // since something was read
	body   io.ReadCloser
	tag    string // the storage's tag of the content; the rest must have the same
}

// open asks for the rest of the object.
func (d *download) open() error {
	header := http.Header{}
	if d.at > 0 {
		header.Set("Range", "bytes="+strconv.FormatInt(d.at, 10)+"-")
		header.Set("If-Match", d.tag)
	}
	response, err := d.bucket.ask(d.ctx, request{do: "read a backup", method: http.MethodGet, key: d.key, header: header})
	if err != nil {
		return err
	}
	if d.at > 0 && response.StatusCode != http.StatusPartialContent {
		_ = response.Body.Close() // it starts over
		return errors.New("read a backup: the storage cannot go on where a connection broke off")
	}
	d.body, d.tag = response.Body, response.Header.Get("ETag")
	return nil
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	for {
		n, err := d.body.Read(p)
		d.at += int64(n)
		switch {
		case d.at > d.size:
			return 0, fmt.Errorf("read a backup: it has more than the %d bytes that it had", d.size)
		case n > 0:
			d.failed = 0
			return n, nil
		case err == nil:
			return 0, nil
		case d.at == d.size && errors.Is(err, io.EOF):
			return 0, io.EOF
		}
		if err := d.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume opens the object again after a failure, unless that has not helped before.
func (d *download) resume(cause error) error {
	_ = d.body.Close() // it is broken
	if d.failed++; d.failed == tries {
		return &Unreachable{do: "read a backup", host: d.bucket.base.Host, err: cause}
	}
	select {
	case <-time.After(d.bucket.pause << (d.failed - 1)):
		return d.open()
	case <-d.ctx.Done():
		return context.Cause(d.ctx)
	}
}

// Close implements io.Closer.
func (d *download) Close() error { return d.body.Close() }
