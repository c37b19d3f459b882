// Package chartstest provides chart registries for tests: a repository over HTTP and an
// OCI registry, on one listener of this machine.
package chartstest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Registry serves charts: below /repo as a repository, below /v2 as an OCI registry,
// with the Distribution Specification's endpoints for pulls.
type Registry struct {
	Address string // host and port
	server  *http.Server

	mu    sync.Mutex
	files map[string][]byte   // below /repo/
	index map[string][]string // the lines of each chart
	blobs map[string][]byte   // of the OCI registry, by their digest
	tags  map[string][]byte   // manifests, by NAME:TAG
	lists map[string][]any    // what refers to a manifest, by NAME@DIGEST
	plain bool                // it knows no referrers
	asked []string            // paths
	away  bool                // it answers 503
	guard string              // USER:PASSWORD; "": everybody may fetch
}

// Start starts a registry. The caller must close it.
func Start() (*Registry, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Registry{
		Address: listener.Addr().String(), files: map[string][]byte{}, index: map[string][]string{},
		blobs: map[string][]byte{}, tags: map[string][]byte{}, lists: map[string][]any{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/charts/{name}/manifests/{tag}", r.manifest)
	mux.HandleFunc("GET /v2/charts/{name}/tags/list", r.tagList)
	mux.HandleFunc("GET /v2/charts/{name}/referrers/{digest}", r.referrers)
	mux.HandleFunc("GET /v2/charts/{name}/blobs/{digest}", r.blob)
	mux.HandleFunc("GET /repo/{file...}", r.file)
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r.mu.Lock()
		r.asked = append(r.asked, asked.Method+" "+asked.URL.Path)
		away, guard := r.away, r.guard
		r.mu.Unlock()
		if user, password, _ := asked.BasicAuth(); guard != "" && user+":"+password != guard {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, asked)
	})}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// Close stops serving.
func (r *Registry) Close() { _ = r.server.Close() }

// Away makes the registry answer every request with 503, or stops that.
func (r *Registry) Away(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// Guard has the registry answer only those who give a name and a password, USER:PASSWORD.
func (r *Registry) Guard(credentials string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.guard = credentials
}

// Asked lists the requests so far.
func (r *Registry) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// Repo is the address of the repository over HTTP.
func (r *Registry) Repo() string { return "http://" + r.Address + "/repo" }

// OCI is the address of the OCI registry.
func (r *Registry) OCI() string { return "oci://" + r.Address + "/charts" }

func (r *Registry) file(w http.ResponseWriter, asked *http.Request) {
	r.send(w, asked, r.files, asked.PathValue("file"))
}

func (r *Registry) blob(w http.ResponseWriter, asked *http.Request) {
	r.send(w, asked, r.blobs, asked.PathValue("digest"))
}

// send answers with an entry of from.
func (r *Registry) send(w http.ResponseWriter, asked *http.Request, from map[string][]byte, name string) {
	r.mu.Lock()
	data, ok := from[name]
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, asked)
		return
	}
	w.Header().Set("ETag", `"`+digest(data)+`"`)
	if asked.Header.Get("If-None-Match") == w.Header().Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(data)
}

// tagPage is how many tags an answer has: few, so that clients have to ask for the next.
const tagPage = 2

// tagList answers with the tags of a chart after that of the query.
func (r *Registry) tagList(w http.ResponseWriter, asked *http.Request) {
	name, last := asked.PathValue("name"), asked.URL.Query().Get("last")
	r.mu.Lock()
	var tags []string
	for of := range r.tags {
		if tag, ok := strings.CutPrefix(of, name+":"); ok && !strings.HasPrefix(tag, "sha256:") && tag > last {
			tags = append(tags, tag)
		}
	}
	r.mu.Unlock()
	slices.Sort(tags)
	if len(tags) == 0 && last == "" {
		http.NotFound(w, asked)
		return
	}
	if len(tags) > tagPage {
		tags = tags[:tagPage]
		w.Header().Set("Link", fmt.Sprintf(`</v2/charts/%s/tags/list?n=%d&last=%s>; rel="next"`, name, tagPage, tags[tagPage-1]))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": "charts/" + name, "tags": tags}) // the client has gone
}

// Put adds a file to the repository.
func (r *Registry) Put(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[name] = data
}

// Publish adds an archive to the repository and to its index, which has the digest
// of the archive.
func (r *Registry) Publish(name, version string, archive []byte) {
	sum := sha256.Sum256(archive)
	file := name + "-" + version + ".tgz"
	r.Put(file, archive)
	r.Enter(name, version, file, hex.EncodeToString(sum[:]))
}

// Enter adds a version to the index, with an address and a digest.
func (r *Registry) Enter(name, version, url, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := fmt.Sprintf("  - apiVersion: v2\n    digest: %s\n    name: %s\n    urls:\n    - %s\n    version: %s\n", digest, name, url, version)
	entries := slices.DeleteFunc(r.index[name], func(e string) bool { return strings.HasSuffix(e, "    version: "+version+"\n") })
	r.index[name] = append(entries, entry)
	var text strings.Builder
	text.WriteString("apiVersion: v1\nentries:\n")
	for chart, entries := range r.index {
		text.WriteString("  " + chart + ":\n" + strings.Join(entries, ""))
	}
	text.WriteString("generated: \"2026-11-25T00:00:00Z\"\n")
	r.files["index.yaml"] = []byte(text.String())
}

// manifestType is the media type that a client must accept.
const manifestType = "application/vnd.oci.image.manifest.v1+json"

func (r *Registry) manifest(w http.ResponseWriter, asked *http.Request) {
	r.mu.Lock()
	text, ok := r.tags[asked.PathValue("name")+":"+asked.PathValue("tag")]
	r.mu.Unlock()
	kind := typeOf(text)
	if !ok || !slices.Contains(strings.Split(asked.Header.Get("Accept"), ", "), kind) {
		http.NotFound(w, asked)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", digest(text))
	_, _ = w.Write(text)
}

// Push adds an archive to the OCI registry, as helm push does.
func (r *Registry) Push(name, version string, archive []byte) error {
	return r.push(name, version, helmConfig, Layer{"application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive})
}

// Layer is a layer of an artifact.
type Layer struct {
	Type string // its media type
	Data []byte
}

// PushArtifact adds layers to the OCI registry under a tag, as oras push does.
func (r *Registry) PushArtifact(name, tag string, layers ...Layer) error {
	return r.push(name, tag, "application/vnd.cncf.flux.config.v1+json", layers...)
}

// Archive is a layer as flux push artifact makes it of files.
func Archive(files map[string]string) (Layer, error) {
	data, err := Pack(files)
	return Layer{"application/vnd.cncf.flux.content.v1.tar+gzip", data}, err
}

// helmConfig is the media type of the configuration of a chart.
const helmConfig = "application/vnd.cncf.helm.config.v1+json"

func (r *Registry) push(name, version, kind string, layers ...Layer) error {
	config := []byte("{}")
	described := make([]any, 0, len(layers))
	for _, layer := range layers {
		described = append(described, descriptor(layer.Type, layer.Data))
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": descriptor(kind, config), "layers": described,
	})
	if err != nil {
		return fmt.Errorf("push %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[digest(config)] = config
	for _, layer := range layers {
		r.blobs[digest(layer.Data)] = layer.Data
	}
	r.tags[name+":"+strings.ReplaceAll(version, "+", "_")] = manifest
	r.tags[name+":"+digest(manifest)] = manifest
	return nil
}

func descriptor(kind string, data []byte) map[string]any {
	return map[string]any{"mediaType": kind, "size": len(data), "digest": digest(data)}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Pack makes an archive of files, by their names in it, in that order.
func Pack(files map[string]string) ([]byte, error) {
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(archive, files[name]); err != nil {
			return nil, err
		}
	}
	err := errors.Join(archive.Close(), zipped.Close())
	return packed.Bytes(), err
}
