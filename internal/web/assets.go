package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Scripts, styles and the icon. htmx.js and hx-sse.js are those of htmx.org 4.0.1 at
// npmjs.com, minified, under the licence in htmx.LICENSE.
//
//go:embed assets
var assets embed.FS

//go:embed templates
var templates embed.FS

// contentTypes are those of the files that browsers get; there are no others.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// asset answers with one of the embedded files. Its address has its version, so browsers
// keep it.
func asset(v *visit) error {
	name := v.r.PathValue("file")
	kind := contentTypes[path.Ext(name)]
	data, err := assets.ReadFile("assets/" + name)
	if err != nil || kind == "" {
		return errNotFound
	}
	v.w.Header().Set("Content-Type", kind)
	if v.r.URL.Query().Get("v") == versions[name] {
		v.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(v.w, v.r, name, time.Time{}, bytes.NewReader(data))
	return nil
}

// versions are those of the embedded files, for their addresses.
var versions = readVersions()

func readVersions() map[string]string {
	found := map[string]string{}
	entries, _ := fs.ReadDir(assets, "assets") // it is in the program
	for _, entry := range entries {
		data, _ := assets.ReadFile("assets/" + entry.Name())
		sum := sha256.Sum256(data)
		found[entry.Name()] = hex.EncodeToString(sum[:6])
	}
	return found
}

// parsePages parses the templates: the layout and the parts, with each page.
func parsePages() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(words).ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout of pages: %w", err)
	}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(templates, file)
		}
		if err != nil {
			return nil, fmt.Errorf("parse the page %q: %w", name, err)
		}
		pages[name] = page
	}
	return pages, nil
}

// words are the functions of templates.
var words = template.FuncMap{
	"asset":  func(name string) string { return "/static/" + name + "?v=" + versions[name] },
	"ago":    func(t, now time.Time) string { return manifest.Roughly(now.Sub(t)) + " ago" },
	"rough":  func(t, now time.Time) string { return manifest.Roughly(now.Sub(t)) },
	"utc":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"plural": manifest.Plural,
	"clean":  func(text any) string { return manifest.CleanLines(fmt.Sprint(text)) },
	"tone":   toneOf,
	"took":   func(seconds float64) string { return manifest.Took(time.Duration(seconds * float64(time.Second))) },
	"lasts":  func(seconds float64) string { return time.Duration(seconds * float64(time.Second)).String() },
	"object": objectName,
	"step":   stepTitle,
	"path":   objectPath,
	"split":  func(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") },
}

// toneOf is how a word for a state is coloured: good, bad, heed, or "" for any other word.
func toneOf(word any) string {
	switch fmt.Sprint(word) {
	case "in sync", "healthy", "deployed", "corrected", "succeeded", "restarted", "resumed", "added", "created", "ok":
		return "good"
	case "failed", "failing", "missing", "unhealthy", "removed", "deleted", "problem", "refused":
		return "bad"
	case "drifted", "pending", "held", "deploying", "progressing", "terminating", "suspended", "unknown", "superseded",
		"waiting", "skipped", "warning", "changed", "configured", "recreated":
		return "heed"
	}
	return ""
}

// objectName writes a manifest.ID key as people read it: Deployment shop/web.
func objectName(key string) string {
	if id, ok := manifest.ParseKey(key); ok {
		return id.String()
	}
	return manifest.Clean(key)
}
