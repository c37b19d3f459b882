package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/settings"
	"github.com/pushboat/pushboat/internal/view"
	"github.com/pushboat/pushboat/internal/web"
)

// openPages makes the door to the pages. Its address may be that of the listener, so that
// comes first.
func (s *server) openPages() error {
	h := s.config.HTTP
	base := h.Advertise
	if base == "" && s.httpAddr != nil {
		base = "http://" + s.httpAddr.String()
		if h.Certificate != "" {
			base = "https://" + s.httpAddr.String()
		}
	}
	door, err := web.New(web.Config{
		Closed: h.Unserved(), Base: base, Loopback: settings.IsLoopback(h.Address), Proxied: h.Proxy == "tls",
		Everybody: access.Globs(strings.Join(h.Everybody, " ")), Idle: h.IdleTimeout, Longest: h.MaxSession,
		Keys: s.register, Apps: view.Apps{Engine: s.engine, History: s.history, Policy: s.desk.Policy},
		Events: s.events, Tokens: s.tokens, Trail: s.trail, Refusals: s.refusals, Mirrors: s.mirrors, Elsewhere: s.remotes.Standings, Run: s.desk.Run, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.desk.Web = door
	s.pages.Store(door)
	if h.Unserved() == nil {
		s.log.Infof("web: pages at %s; log in with: ssh HOST web", base)
	}
	return nil
}

// pageOf is the address of the page of a refused push; "" if there are no pages.
func (s *server) pageOf(id string) string {
	if door := s.pages.Load(); door != nil {
		return door.RefusalPage(id)
	}
	return ""
}

// answerPage answers whatever is no probe. Pages are served by the server that leads: the
// others know no more than that.
func (s *server) answerPage(w http.ResponseWriter, r *http.Request) {
	door := s.pages.Load()
	if door == nil || phase(s.phase.Load()) != serving {
		web.Unavailable(w, r, "this server serves no pages now: try again, the server that leads does")
		return
	}
	door.ServeHTTP(w, r)
}

// closePages ends what goes on behind the pages, and behind the API.
func (s *server) closePages(ctx context.Context) {
	if door := s.pages.Load(); door != nil {
		door.Stop(ctx)
	}
	s.keepTokens(ctx)
}

// keepTokens writes when tokens were used last, and has those on the audit trail whose time
// has come.
func (s *server) keepTokens(context.Context) {
	if s.tokens == nil {
		return
	}
	for _, t := range s.tokens.Keep() {
		s.trail.Note(audit.Event{Kind: audit.TokenEnded, Operator: t.Operator, Key: t.Key, Token: t.ID, Reason: "its time has come"})
	}
}

// secured is the listener with TLS, if there is a certificate.
func (s *server) secured(listener net.Listener) (net.Listener, error) {
	if s.config.HTTP.Certificate == "" {
		return listener, nil
	}
	pair := &keyPair{certificate: s.config.HTTP.Certificate, key: s.config.HTTP.Key, log: s.log}
	if err := pair.read(); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.current(), nil },
	}
	return tls.NewListener(listener, config), nil
}

// keyPair is a certificate and its key, which are read again when a file changes: whoever
// renews them need tell nobody.
type keyPair struct {
	certificate, key string // files
	log              *logrus.Entry

	mu   sync.Mutex
	seen [2]time.Time
	pair *tls.Certificate
}

// current returns the pair of the files as they are now. While they do not fit each other,
// as between two writes, the former one stays.
func (k *keyPair) current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.stamps(); now != k.seen {
		former := k.pair
		if err := k.readLocked(); err != nil {
			k.log.Errorf("web: the former certificate stays in use: %v", err)
			k.pair = former
		} else {
			k.log.Info("web: the certificate was read again")
		}
	}
	return k.pair
}

func (k *keyPair) read() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.readLocked()
}

func (k *keyPair) readLocked() error {
	k.seen = k.stamps()
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return fmt.Errorf("read http.certificate %q and http.key %q: %w", k.certificate, k.key, err)
	}
	k.pair = &pair
	return nil
}

func (k *keyPair) stamps() (stamps [2]time.Time) {
	for i, file := range []string{k.certificate, k.key} {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = info.ModTime()
		}
	}
	return stamps
}
