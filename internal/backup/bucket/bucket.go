// Package bucket keeps backups in storage that speaks the protocol of S3: Amazon's,
// MinIO, Ceph and others.
//
// A backup is one object. It is sent in parts as it is written, and is there when all of
// it is: an upload that breaks off leaves no object. Names are in the order of time and
// say which backups each one needs:
//
//	FOLDER/20261128T020000.123Z-1f2e3d4c.full.backup
//	FOLDER/20261129T020000.045Z-5a6b7c8d.since.20261128T020000.123Z-1f2e3d4c.backup
//
// It asks nine things of the storage, and needs no library for that: see ask.go.
package bucket

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/internal/outgoing"
)

// Config says where a bucket is, and with which keys it is used.
type Config struct {
	Address  Address
	Endpoint string // https://HOST; "": Amazon's of the region
	Region   string // "": DefaultRegion
	Keys     Keys
	Way      *outgoing.Way // by which the storage is reached
}

// DefaultRegion is the region where none is said. Most storage that is not Amazon's takes
// it for its own.
const DefaultRegion = "us-east-1"

// Bucket is a folder of backups in a bucket.
type Bucket struct {
	address Address
	base    url.URL // of the bucket; a key follows behind a slash
	region  string
	keys    Keys
	http    *http.Client
	now     func() time.Time
	pause   time.Duration // before the second try of a request; doubled from then on
}

// How long the storage may be silent, and connecting to it may take.
const (
	connectWithin = 10 * time.Second
	maxSilence    = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes of an answer
	firstPause    = 500 * time.Millisecond
)

// Open makes a bucket ready, and connects to nothing yet.
func Open(config Config) (*Bucket, error) {
	region := cmp.Or(config.Region, DefaultRegion)
	base, err := baseOf(config.Address.Bucket, config.Endpoint, region)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: connectWithin}
	return &Bucket{
		address: config.Address, base: base, region: region, keys: config.Keys, now: time.Now, pause: firstPause,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: func(asked *http.Request) (*url.URL, error) { return config.Way.ProxyFor(asked.URL) },
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dialer.DialContext(ctx, network, address)
					return patient{conn}, err
				},
				TLSClientConfig:     &tls.Config{RootCAs: config.Way.Roots(), MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout: connectWithin, MaxResponseHeaderBytes: maxHeader,
				MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// baseOf is the address of a bucket. Amazon has each on a host of its own, as far as
// certificates allow; the others have them as folders.
func baseOf(bucket, endpoint, region string) (url.URL, error) {
	if endpoint != "" {
		base, err := parseEndpoint(endpoint)
		base.Path = strings.TrimSuffix(base.Path, "/") + "/" + bucket
		return base, err
	}
	if err := CheckRegion(region); err != nil {
		return url.URL{}, err
	}
	host := "s3." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		host += ".cn"
	}
	if strings.Contains(bucket, ".") {
		return url.URL{Scheme: "https", Host: host, Path: "/" + bucket}, nil
	}
	return url.URL{Scheme: "https", Host: bucket + "." + host}, nil
}

// patient is a connection that ends when nothing comes or goes for maxSilence.
type patient struct{ net.Conn }

func (c patient) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(maxSilence)) // Read tells of a connection that is closed
	return c.Conn.Read(p)
}

func (c patient) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(maxSilence))
	n, err := c.Conn.Write(p)
	return n, cutOff(err)
}

// cutOff puts the ways in which a write learns that the other end has closed the connection
// into the one of a read. Which it is depends on the moment: the transport closes our end as
// soon as its read has seen it.
func cutOff(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) {
		return io.EOF
	}
	return err
}

// Address is where the bucket's folder is.
func (b *Bucket) Address() Address { return b.address }

// Close closes connections that nobody uses.
func (b *Bucket) Close() { b.http.CloseIdleConnections() }

// key is that of an object.
func (b *Bucket) key(o Object) string { return Address{Folder: o.Folder}.key(o.Name()) }

// maxObjects bounds the objects that are listed of a bucket.
const maxObjects = 100_000

// List returns the backups below the folder, in the order of their names.
func (b *Bucket) List(ctx context.Context) ([]Object, error) {
	query := url.Values{"list-type": {"2"}, "prefix": {b.address.key("")}}
	var found []Object
	for listed := 0; ; {
		var page struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Next     string   `xml:"NextContinuationToken"`
			Contents []struct {
				Key  string
				Size int64
			}
		}
		if err := b.answer(ctx, request{do: "list backups", method: http.MethodGet, query: query}, &page); err != nil {
			return nil, err
		}
		for _, entry := range page.Contents {
			if object, ok := parseKey(entry.Key); ok && entry.Size >= 0 {
				object.Size = entry.Size
				found = append(found, object)
			}
		}
		if listed += len(page.Contents); listed > maxObjects {
			return nil, fmt.Errorf("%s has more than %d objects: give the backups a folder of their own", b.address, maxObjects)
		}
		if page.Next == "" || len(page.Contents) == 0 {
			return sorted(found), nil
		}
		query.Set("continuation-token", page.Next)
	}
}

// Delete deletes a backup; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, object Object) error {
	return b.done(ctx, request{do: "delete a backup", method: http.MethodDelete, key: b.key(object)})
}

// size returns how large an object is; -1 if there is none.
func (b *Bucket) size(ctx context.Context, key string) (int64, error) {
	response, err := b.ask(ctx, request{do: "look at a backup", method: http.MethodHead, key: key})
	if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status == http.StatusNotFound {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close() // it has none
	return response.ContentLength, nil
}

// DropUnfinished drops uploads into the folder that were begun and not ended: of a server
// that was killed. Storage keeps their parts, which cost as much as objects, and shows
// them to nobody.
func (b *Bucket) DropUnfinished(ctx context.Context) (int, error) {
	var page struct {
		XMLName xml.Name `xml:"ListMultipartUploadsResult"`
		Upload  []struct {
			Key string
			ID  string `xml:"UploadId"`
		}
	}
	query := url.Values{"uploads": {""}, "prefix": {b.address.key("")}}
	err := b.answer(ctx, request{do: "list unfinished uploads", method: http.MethodGet, query: query}, &page)
	if refused, ok := errors.AsType[*Refusal](err); ok && refused.Code == "NoSuchUpload" {
		return 0, nil // as some say that there is none
	}
	if err != nil {
		return 0, err
	}
	dropped := 0
	for _, upload := range page.Upload {
		if object, ok := parseKey(upload.Key); !ok || object.Folder != b.address.Folder {
			continue
		}
		if err := b.abort(ctx, upload.Key, upload.ID); err != nil {
			return dropped, err
		}
		dropped++
	}
	return dropped, nil
}

func (b *Bucket) abort(ctx context.Context, key, id string) error {
	query := url.Values{"uploadId": {id}}
	err := b.done(ctx, request{do: "drop an unfinished upload", method: http.MethodDelete, key: key, query: query})
	if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status == http.StatusNotFound {
		return nil
	}
	return err
}
