package metrics

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Path is where metrics are.
const Path = "/metrics"

// scrapesAtOnce bounds the scrapes that go on at the same time: each reads the state of every
// app. A scrape asks nothing that could keep it waiting, and the server bounds how long its
// answer may take to be read; a limit of promhttp's would keep the whole answer in memory.
const scrapesAtOnce = 2

// Handler answers scrapes. With the name of a token file, a scrape needs the token that
// the file has at the moment.
func Handler(sources Sources, tokenFile string, log *logrus.Entry) http.Handler {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			log.Errorf("metrics: %v", err) // never: a test registers them
		}
	}
	answer := promhttp.HandlerFor(together{newGatherer(sources), registry}, promhttp.HandlerOpts{
		ErrorLog: errorLog{log}, ErrorHandling: promhttp.HTTPErrorOnError,
		MaxRequestsInFlight: scrapesAtOnce,
	})
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, guarded(answer, tokenFile, log))
	return mux
}

// errorLog is for errors of scrapes, of which the server is at fault.
type errorLog struct{ log *logrus.Entry }

// Println implements promhttp.Logger.
func (l errorLog) Println(words ...any) {
	l.log.Error("metrics: " + strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
}

// guarded lets requests pass that bring the token of a file; all, if there is no file.
func guarded(next http.Handler, file string, log *logrus.Entry) http.Handler {
	if file == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := ReadToken(file)
		if err != nil {
			log.Errorf("metrics: the token cannot be read: %v", err)
			http.Error(w, "the server cannot read its token", http.StatusServiceUnavailable)
			return
		}
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || !same(given, token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a scrape needs the token of metrics.token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// same compares in a time that tells nothing of the token.
func same(given, token string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Bounds of a token, in bytes.
const leastToken, mostToken = 16, 1 << 10

// ReadToken reads a token from the one line of a file. Its errors repeat nothing of it.
func ReadToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostToken+2))
	if err != nil {
		return "", err
	}
	token := bytes.TrimRight(text, "\r\n")
	switch {
	case len(token) > mostToken:
		return "", fmt.Errorf("a token has at most %d characters", mostToken)
	case len(token) < leastToken:
		return "", fmt.Errorf("a token has at least %d characters; make one: openssl rand -hex 32", leastToken)
	case bytes.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return "", errors.New("a token is one line of letters, digits and signs, without spaces")
	}
	return string(token), nil
}
