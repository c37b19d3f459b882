package mirror

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/name"
)

// Webhooks have upstream asked at once. Nothing of what they say is believed, or even read,
// but for the proof that their sender knows the secret: so whoever sends one again, or makes
// one up with the secret, has upstream asked once more, and no more often than hookEvery.

// MaxHook bounds the body of a webhook, in bytes: GitHub sends 25 MB at most.
const MaxHook = 25 << 20

// hookEvery is how often webhooks have one upstream asked; one that comes earlier waits.
const hookEvery = 5 * time.Second

// hookSkew is how far the time of a signed webhook may be from the server's.
const hookSkew = 5 * time.Minute

// leastHookSecret bounds the secret of webhooks, in bytes.
const leastHookSecret = 16

// ErrHook is of a webhook that is not heard: there is no such mirror, it takes no webhooks, or
// the proof is wrong. Its sender learns no more.
var ErrHook = errors.New("no mirror of this name takes webhooks with this signature")

// Knock hears a webhook for a mirror. The error is ErrHook, or that of reading the body.
func (k *Keeper) Knock(repo name.Repo, header http.Header, body io.Reader) error {
	m := k.config.Rules().Mirror(repo)
	if m == nil || !m.Hears() {
		return ErrHook
	}
	secret, err := k.settings().secret(k.ctx, m.Sealed, rules.HookSecret, m.HookFile)
	if err != nil || len(secret) < leastHookSecret {
		k.config.Log.WithField("repository", repo).Warn("mirror: a webhook came, and its secret cannot be read, or is shorter than 16 bytes")
		return ErrHook
	}
	proof := newProof(secret, header, time.Now())
	if _, err := io.Copy(proof, io.LimitReader(body, MaxHook+1)); err != nil {
		return err
	}
	if !proof.holds() {
		return ErrHook
	}
	k.knocked(repo)
	return nil
}

// proof compares what a webhook shows with the secret. The body is hashed as it comes, and
// not kept.
type proof struct {
	hash.Hash
	shown []byte // the signature; nil: there is none, or it is of no known form
	token bool   // the sender shows the secret itself, as GitLab's do, and it is the right one
	size  int
}

// newProof reads the headers of GitHub, Gitea and Forgejo, Bitbucket and GitLab, and the
// server's own: Pushboat-Signature: t=SECONDS,v1=HEX, of "SECONDS." and the body.
func newProof(secret string, header http.Header, now time.Time) *proof {
	p := &proof{Hash: hmac.New(sha256.New, []byte(secret))}
	if own := header.Get("Pushboat-Signature"); own != "" {
		p.readOwn(own, now)
		return p
	}
	for _, name := range []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature", "X-Hub-Signature"} {
		if text := header.Get(name); text != "" {
			text = strings.TrimPrefix(text, "sha256=")
			if sum, err := hex.DecodeString(text); err == nil && len(sum) == sha256.Size {
				p.shown = sum
			}
			return p
		}
	}
	if token := header.Get("X-Gitlab-Token"); token != "" {
		shown, known := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(secret))
		p.token = subtle.ConstantTimeCompare(shown[:], known[:]) == 1
	}
	return p
}

func (p *proof) readOwn(text string, now time.Time) {
	at, sum, ok := strings.Cut(text, ",v1=")
	seconds, err := strconv.ParseInt(strings.TrimPrefix(at, "t="), 10, 64)
	if !ok || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > hookSkew {
		return
	}
	if shown, err := hex.DecodeString(sum); err == nil && len(shown) == sha256.Size {
		p.shown = shown
		_, _ = p.Hash.Write([]byte(strconv.FormatInt(seconds, 10) + ".")) // never an error
	}
}

// Write hashes a part of the body.
func (p *proof) Write(b []byte) (int, error) {
	p.size += len(b)
	return p.Hash.Write(b)
}

// holds reports whether the sender knows the secret.
func (p *proof) holds() bool {
	if p.size > MaxHook {
		return false
	}
	return p.token || p.shown != nil && hmac.Equal(p.shown, p.Sum(nil))
}
