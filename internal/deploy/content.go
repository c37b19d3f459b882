package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// contentDigest changes whenever the cluster is to hold something else: other objects,
// or the same ones elsewhere. Settings that only say how they are applied (prune,
// ignore) are not in it.
func contentDigest(spec appfile.App, rendered string) string {
	sum := sha256.New()
	for _, part := range []string{rendered, spec.Cluster, spec.Namespace, strconv.FormatBool(spec.CreateNamespace)} {
		fmt.Fprintf(sum, "%q\n", part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// stamp writes a target's digests into a record.
func (a *app) stamp(rec *record.Record, t *target) {
	rec.Digest, rec.Content = a.digestFor(t), a.contentFor(t)
}

// contentFor is digestFor for the target's content.
func (a *app) contentFor(t *target) string {
	switch last := a.lastRecord(); {
	case t.origin == fromRecord && last != nil:
		return last.Content
	case t.origin == fromRecord, t.content == "":
		return ""
	}
	return a.engine.Masker.Seal(t.content)
}

// asDeployed is Draft.AsDeployed, of a change that is rendered.
func (p *Proposal) asDeployed(app name.App) bool {
	a := p.engine.app(app)
	if a == nil {
		return false
	}
	last := a.lastRecord()
	for _, t := range p.targets {
		if t.Spec.Name == app && last != nil {
			return last.Content != "" && last.Content == a.contentFor(t)
		}
	}
	return false
}
